//! Servers of others, as a browser meets them: one that shows what it was asked, and one that sends the
//! browser on to it, as a broker does.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

/// A server of an origin of its own; it lasts as long as the test.
pub(crate) struct Other {
    pub(crate) origin: String,
}

/// A request: its first line, its cookies and its body.
struct Asked {
    line: String,
    cookies: String,
    body: String,
}

const COOKIES: &str = "Set-Cookie: unsaid=1\r\nSet-Cookie: lax=1; SameSite=Lax\r\n\
    Set-Cookie: none=1; SameSite=None; Secure\r\n";

impl Other {
    /// Shows the first line of each request, its cookies and its body. At `/cookies` it sets one for each
    /// way of saying `SameSite`.
    pub(crate) fn mirror() -> Self {
        Self::serve(|asked| {
            // What a browser posts is percent-encoded.
            let body = asked.body.replace('&', "&amp;");
            let page = format!(
                "<p id=line>{}</p><p id=cookies>{}</p><p id=body>{body}</p>",
                asked.line, asked.cookies
            );
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
            let cookies = match asked.line.starts_with("GET /cookies ") {
                true => COOKIES,
                false => "",
            };
            format!(
                "{head}{cookies}Content-Length: {}\r\n\r\n{page}",
                page.len()
            )
        })
    }

    /// Sends each request on to an address, with its query or its body as the query.
    pub(crate) fn broker(onward: &str) -> Self {
        let onward = onward.to_owned();
        Self::serve(move |asked| {
            let path = asked.line.split(' ').nth(1).unwrap_or_default();
            let query = path.split_once('?').map_or("", |it| it.1);
            let query = [query, &asked.body].concat();
            format!(
                "HTTP/1.1 303 See Other\r\nLocation: {onward}?{query}\r\nContent-Length: 0\r\n\
                 Connection: close\r\n\r\n"
            )
        })
    }

    fn serve(answer: impl Fn(&Asked) -> String + Send + Clone + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let answer = answer.clone();
                // A browser opens connections that it does not use.
                thread::spawn(move || {
                    let asked = asked(&stream)?;
                    stream.write_all(answer(&asked).as_bytes()).ok()
                });
            }
        });
        Self {
            origin: format!("http://{address}"),
        }
    }
}

fn asked(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let (mut length, mut cookies) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
        if name.eq_ignore_ascii_case("cookie") {
            value.trim().clone_into(&mut cookies);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked {
        line: first.trim().to_owned(),
        cookies,
        body: String::from_utf8(body).ok()?,
    })
}
