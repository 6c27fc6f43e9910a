//! Where a request ends, so that a connection hands over one at a time.
//!
//! It judges nothing: what is no request is refused by the parser, and that ends the connection. Where
//! the two disagreed, a peer would have more or fewer of its bytes looked at in one turn, and no more.

use std::mem;

/// How much of a line is looked at, in bytes: enough for the headers that say how long a body is.
const LINE_BYTES: usize = 128;

/// What comes next of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    /// Lines of its head.
    #[default]
    Head,
    /// So many bytes of its body.
    Body(u64),
    /// The line with the size of a chunk (RFC 9112 7.1), or the end of the chunk before.
    ChunkSize,
    /// So many bytes of a chunk.
    Chunk(u64),
    /// Lines after the last chunk.
    Trailers,
}

/// The request that is being handed over, as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Framing {
    part: Part,
    /// The line so far, as much of it as is looked at.
    line: Vec<u8>,
    /// Whether the head has a line. Empty lines before it are none of a request (RFC 9112 2.2).
    begun: bool,
    /// How long the body is, as the head says.
    length: u64,
    /// Whether the head announces chunks, whatever else it says of a length.
    chunked: bool,
}

impl Framing {
    /// How many of these bytes belong to the request, and whether it ends with them.
    pub(super) fn take(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut taken = 0;
        while taken < bytes.len() {
            let (count, ended) = self.step(&bytes[taken..]);
            taken += count;
            if ended {
                *self = Self::default();
                return (taken, true);
            }
        }
        (taken, false)
    }

    fn step(&mut self, bytes: &[u8]) -> (usize, bool) {
        match self.part {
            Part::Body(left) => {
                let (count, left) = part_of(bytes, left);
                self.part = Part::Body(left);
                (count, left == 0)
            }
            Part::Chunk(left) => {
                let (count, left) = part_of(bytes, left);
                self.part = match left {
                    0 => Part::ChunkSize,
                    left => Part::Chunk(left),
                };
                (count, false)
            }
            Part::Head | Part::ChunkSize | Part::Trailers => self.line(bytes),
        }
    }

    fn line(&mut self, bytes: &[u8]) -> (usize, bool) {
        let end = bytes.iter().position(|it| *it == b'\n');
        let content = &bytes[..end.unwrap_or(bytes.len())];
        let room = LINE_BYTES - self.line.len();
        self.line
            .extend_from_slice(&content[..content.len().min(room)]);
        match end {
            None => (bytes.len(), false),
            Some(end) => (end + 1, self.line_ended()),
        }
    }

    fn line_ended(&mut self) -> bool {
        let line = mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        match (self.part, line) {
            (Part::Head, []) if self.chunked => self.part = Part::ChunkSize,
            (Part::Head, []) if self.length > 0 => self.part = Part::Body(self.length),
            (Part::Head, []) => return self.begun,
            (Part::Head, line) => self.header(line),
            (Part::ChunkSize, []) => {}
            (Part::ChunkSize, line) => {
                self.part = match chunk_size(line) {
                    Some(size) if size > 0 => Part::Chunk(size),
                    // The last one, or none that the parser takes.
                    _ => Part::Trailers,
                }
            }
            (_, line) => return line.is_empty(),
        }
        false
    }

    fn header(&mut self, line: &[u8]) {
        self.begun = true;
        let mut parts = line.splitn(2, |it| *it == b':');
        let (name, value) = (parts.next(), parts.next());
        let (Some(name), Some(value)) = (name, value) else {
            return;
        };
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            self.length = number(value, 10).unwrap_or_default();
        }
    }
}

/// How many of these bytes are among so many, and how many of those are left.
fn part_of(bytes: &[u8], left: u64) -> (usize, u64) {
    let count = usize::try_from(left).map_or(bytes.len(), |it| it.min(bytes.len()));
    (count, left - count as u64)
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    number(line.split(|it| *it == b';').next()?, 16)
}

fn number(text: &[u8], radix: u32) -> Option<u64> {
    let text = str::from_utf8(text).ok()?;
    u64::from_str_radix(text.trim(), radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The requests that these bytes are, and what is left of them, where they come in pieces of this
    /// length.
    fn requests(sent: &str, piece: usize) -> Vec<String> {
        let (mut framing, mut requests) = (Framing::default(), vec![String::new()]);
        for mut piece in sent.as_bytes().chunks(piece) {
            while !piece.is_empty() {
                let (count, ended) = framing.take(piece);
                if let Some(request) = requests.last_mut() {
                    request.push_str(&String::from_utf8_lossy(&piece[..count]));
                }
                if ended {
                    requests.push(String::new());
                }
                piece = &piece[count..];
            }
        }
        requests
    }

    #[test]
    fn a_request_ends_with_its_head_or_its_body_however_it_comes() {
        let long = format!("x: {}", "a".repeat(2 * LINE_BYTES));
        for request in [
            "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
            "GET / HTTP/1.1\nhost: a\n\n",
            "\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: \t3 \r\n\r\na=b",
            "POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\n\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n4;x=y\r\n\r\n\r\n\r\nA\r\n\
             0123456789\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: y\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 999\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            &format!("GET / HTTP/1.1\r\n{long}\r\n\r\n"),
        ] {
            let sent = request.repeat(3) + "GET";
            for piece in [1, 2, 3, 7, sent.len()] {
                let expected = [request, request, request, "GET"];
                assert_eq!(requests(&sent, piece), expected, "in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_length_of_any_size_is_no_fault() {
        for length in ["18446744073709551615", "18446744073709551616", "-1", "x"] {
            let sent = format!("POST / HTTP/1.1\r\ncontent-length: {length}\r\n\r\nab");
            assert_eq!(requests(&sent, 5).concat(), sent);
            let sent =
                format!("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n{length}\r\nab");
            assert_eq!(requests(&sent, 5).concat(), sent);
        }
    }
}
