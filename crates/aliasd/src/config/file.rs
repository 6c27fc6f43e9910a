//! The files that settings name, read so that none takes all the memory or all the time.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read},
    path::Path,
    sync::mpsc,
    thread,
    time::Duration,
};

use zeroize::Zeroizing;

/// The most bytes that a file may have: far more than a configuration, a key or a system's whole bundle
/// of certificates.
const MAX_BYTES: u64 = 1 << 20;

/// How long whoever is at the other end of a pipe has, such as a program that asks for a passphrase.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a file holds, or what a pipe gives.
///
/// # Errors
/// If it cannot be read, has more than a mebibyte, or is a pipe or device that does not come to its end.
pub(crate) fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    read_within(path, PATIENCE)
}

/// The same, of a text.
///
/// # Errors
/// As [`read`], and if it is no UTF-8.
pub(crate) fn read_text(path: &Path) -> io::Result<Zeroizing<String>> {
    let bytes = read(path)?;
    let text = std::str::from_utf8(&bytes);
    let text = text.map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is no UTF-8"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Whether it is a file that can be read at once, and again.
pub(crate) fn is_regular(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|it| it.is_file())
}

fn read_within(path: &Path, patience: Duration) -> io::Result<Zeroizing<Vec<u8>>> {
    let metadata = fs::metadata(path)?;
    if metadata.is_file() || metadata.is_dir() {
        return bounded(path, metadata.len());
    }
    let (answer, waited) = mpsc::channel();
    let path = path.to_owned();
    // Nothing can wake it, if nobody ever writes; it ends with the process.
    thread::spawn(move || {
        let _ = answer.send(bounded(&path, MAX_BYTES));
    });
    waited.recv_timeout(patience).unwrap_or_else(|_| {
        let seconds = patience.as_secs();
        let reason = format!("it is no regular file, and did not come to its end in {seconds} s");
        Err(io::Error::new(ErrorKind::TimedOut, reason))
    })
}

fn bounded(path: &Path, expected: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let room = usize::try_from(expected.min(MAX_BYTES)).unwrap_or_default() + 1;
    // A secret is not left behind where it had too little room.
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    let mut file = File::open(path)?.take(MAX_BYTES + 1);
    file.read_to_end(&mut bytes)?;
    if file.limit() == 0 {
        let reason = "it has more than 1 MiB, the most that is read";
        return Err(io::Error::new(ErrorKind::FileTooLarge, reason));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn pipe(path: &Path) {
        let made = Command::new("mkfifo").arg(path).status();
        assert!(made.expect("mkfifo runs").success());
    }

    #[test]
    fn a_file_has_a_mebibyte_at_most() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key.pem");
        fs::write(&path, vec![b'x'; 1 << 20]).expect("a file");
        assert_eq!(read(&path).expect("it fits").len(), 1 << 20);
        fs::write(&path, vec![b'x'; (1 << 20) + 1]).expect("a file");
        for path in [&path, Path::new("/dev/zero")] {
            let refused = read(path).expect_err("too much").to_string();
            assert!(refused.contains("more than 1 MiB"), "{refused}");
        }
    }

    #[test]
    fn a_pipe_is_read_to_its_end_and_not_waited_for_for_ever() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pipe");
        pipe(&path);
        let late = read_within(&path, Duration::from_millis(1)).expect_err("nobody writes");
        assert!(late.to_string().contains("no regular file"), "{late}");

        let path = folder.path().join("another");
        pipe(&path);
        let (path, from) = (&path, path.clone());
        let read = thread::spawn(move || read(&from));
        fs::write(path, "a secret").expect("somebody reads");
        let read = read.join().expect("no panic").expect("what was written");
        assert_eq!(**read, *b"a secret");
    }

    #[test]
    fn what_is_not_there_is_said_to_be_so() {
        let missing = read_text(Path::new("/nowhere")).expect_err("it is not there");
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }
}
