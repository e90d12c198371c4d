//! The first line and the header lines of HTTP messages.

use super::{Extent, Limits};
use purlin_term::{Atom, Heap, Term, am};

/// Header names that are given as atoms; a header's number is its place here, from 1.
const HEADERS: [&str; 52] = [
    "Cache-Control",
    "Connection",
    "Date",
    "Pragma",
    "Transfer-Encoding",
    "Upgrade",
    "Via",
    "Accept",
    "Accept-Charset",
    "Accept-Encoding",
    "Accept-Language",
    "Authorization",
    "From",
    "Host",
    "If-Modified-Since",
    "If-Match",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Max-Forwards",
    "Proxy-Authorization",
    "Range",
    "Referer",
    "User-Agent",
    "Age",
    "Location",
    "Proxy-Authenticate",
    "Public",
    "Retry-After",
    "Server",
    "Vary",
    "Warning",
    "Www-Authenticate",
    "Allow",
    "Content-Base",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Location",
    "Content-Md5",
    "Content-Range",
    "Content-Type",
    "Etag",
    "Expires",
    "Last-Modified",
    "Accept-Ranges",
    "Set-Cookie",
    "Set-Cookie2",
    "X-Forwarded-For",
    "Cookie",
    "Keep-Alive",
    "Proxy-Connection",
];

/// Methods that are given as atoms.
const METHODS: [&str; 7] = ["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE"];

/// Header names longer than this keep their letters as they are.
const MAX_NAME: usize = 50;

fn is_space(b: u8) -> bool {
    b == b' ' || b == b'\t'
}

/// Whether a byte cannot be part of a name or method.
fn is_special(b: u8) -> bool {
    !(33..128).contains(&b) || b"()<>@,;:\\\"/[]?={} \t".contains(&b)
}

/// Where a line ends; a header line goes on where the next one starts with a space.
pub fn extent(data: &[u8], limits: Limits, headers: bool) -> Extent {
    if data == b"\n" || data == b"\r\n" {
        return Extent::Bytes(data.len());
    }
    // A limit on lines stands for one on packets here.
    let limit = if limits.packet != 0 { limits.packet } else { limits.line } as usize;
    let mut from = 0;
    loop {
        let Some(i) = memchr::memchr(b'\n', &data[from..]) else {
            return if limit != 0 && data.len() >= limit { Extent::Invalid } else { Extent::Unknown };
        };
        let end = from + i + 1;
        let goes_on = headers && end > 2 && data.get(end).is_some_and(|&b| is_space(b));
        if goes_on {
            from = end;
        } else if limit != 0 && end > limit {
            return Extent::Invalid;
        } else if headers && end == data.len() {
            return Extent::Unknown;
        } else {
            return Extent::Bytes(end);
        }
    }
}

/// The rest of a line that is being read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, accept: impl Fn(u8) -> bool) -> &'a [u8] {
        let n = self.0.iter().take_while(|&&b| accept(b)).count();
        let (taken, rest) = self.0.split_at(n);
        self.0 = rest;
        taken
    }

    fn spaces(&mut self) -> usize {
        self.take(is_space).len()
    }

    /// A number, which may have no digits.
    fn number(&mut self) -> (usize, i64) {
        let digits = self.take(|b| b.is_ascii_digit());
        let value = digits.iter().fold(0i32, |n, &d| n.wrapping_mul(10).wrapping_add((d - b'0') as i32));
        (digits.len(), value as i64)
    }

    /// `Major.Minor`
    fn version(&mut self) -> Option<(i64, i64)> {
        let (n, major) = self.number();
        let after = self.0.strip_prefix(b".").filter(|_| n > 0)?;
        self.0 = after;
        let (n, minor) = self.number();
        (n > 0).then_some((major, minor))
    }
}

/// How strings are given.
#[derive(Clone, Copy)]
pub struct Http {
    pub binaries: bool,
}

impl Http {
    /// What a line says: `http_eoh`, or a tuple `http_request`, `http_response`, `http_header` or `http_error`.
    pub fn parse(self, h: &mut Heap, packet: &[u8], headers: bool) -> Term {
        let n = packet.len();
        let end = if n >= 2 && packet[n - 2] == b'\r' { n - 2 } else { n - usize::from(packet.ends_with(b"\n")) };
        let line = &packet[..end];
        let parsed = if headers {
            self.header(h, line)
        } else if let Some(rest) = line.strip_prefix(b"HTTP/") {
            self.response(h, rest)
        } else {
            self.request(h, line)
        };
        parsed.unwrap_or_else(|| {
            let text = self.string(h, packet);
            h.tuple(&[am!("http_error"), text])
        })
    }

    fn string(self, h: &mut Heap, bytes: &[u8]) -> Term {
        if self.binaries { h.binary(bytes) } else { h.byte_list(bytes) }
    }

    fn response(self, h: &mut Heap, line: &[u8]) -> Option<Term> {
        let mut rest = Rest(line);
        let (major, minor) = rest.version()?;
        if rest.spaces() == 0 {
            return None;
        }
        let (_, status) = rest.number();
        if rest.spaces() == 0 && !rest.0.is_empty() {
            return None;
        }
        let phrase = self.string(h, rest.0);
        let version = h.tuple(&[Term::small(major), Term::small(minor)]);
        Some(h.tuple(&[am!("http_response"), version, Term::small(status), phrase]))
    }

    fn request(self, h: &mut Heap, line: &[u8]) -> Option<Term> {
        let mut rest = Rest(line);
        let method = rest.take(|b| !is_special(b));
        if method.is_empty() || rest.spaces() == 0 {
            return None;
        }
        let uri = rest.take(|b| !is_space(b));
        if uri.is_empty() {
            return None;
        }
        rest.spaces();
        let (major, minor) = if rest.0.is_empty() {
            (0, 9)
        } else if rest.0.len() < 8 {
            return None;
        } else {
            rest.0 = rest.0.strip_prefix(b"HTTP/")?;
            rest.version()?
        };
        let method = match METHODS.iter().find(|m| m.as_bytes() == method) {
            Some(name) => Term::atom(Atom::new(name)),
            None => self.string(h, method),
        };
        let uri = self.uri(h, uri);
        let version = h.tuple(&[Term::small(major), Term::small(minor)]);
        Some(h.tuple(&[am!("http_request"), method, uri, version]))
    }

    fn uri(self, h: &mut Heap, uri: &[u8]) -> Term {
        if uri == b"*" {
            return am!("*");
        }
        if uri.len() <= 1 || uri[0] == b'/' {
            let path = self.string(h, uri);
            return h.tuple(&[am!("abs_path"), path]);
        }
        for (prefix, scheme) in [(&b"http://"[..], am!("http")), (b"https://", am!("https"))] {
            if uri.get(..prefix.len()).is_some_and(|p| p.eq_ignore_ascii_case(prefix)) {
                return self.absolute(h, scheme, &uri[prefix.len()..]);
            }
        }
        match memchr::memchr(b':', uri) {
            None => self.string(h, uri),
            Some(at) => {
                let (scheme, rest) = (self.string(h, &uri[..at]), self.string(h, &uri[at + 1..]));
                h.tuple(&[am!("scheme"), scheme, rest])
            }
        }
    }

    /// `{absoluteURI, Scheme, Host, Port, Path}`
    fn absolute(self, h: &mut Heap, scheme: Term, uri: &[u8]) -> Term {
        let (place, path) = match memchr::memchr(b'/', uri) {
            Some(at) => uri.split_at(at),
            None => (uri, &b"/"[..]),
        };
        let (host, port) = match memchr::memchr(b':', place) {
            None => (place, am!("undefined")),
            Some(at) => {
                let mut rest = Rest(&place[at + 1..]);
                let (_, port) = rest.number();
                let known = rest.0.is_empty() && port != 0;
                (&place[..at], if known { Term::small(port) } else { am!("undefined") })
            }
        };
        let (host, path) = (self.string(h, host), self.string(h, path));
        h.tuple(&[am!("absoluteURI"), scheme, host, port, path])
    }

    fn header(self, h: &mut Heap, line: &[u8]) -> Option<Term> {
        if line.is_empty() {
            return Some(am!("http_eoh"));
        }
        let mut rest = Rest(line);
        let original = rest.take(|b| !is_special(b));
        rest.0 = rest.0.strip_prefix(b":")?;
        rest.spaces();
        let name = if original.len() <= MAX_NAME { capitals(original) } else { original.to_vec() };
        let known = HEADERS.iter().position(|known| known.as_bytes() == name);
        let (number, name) = match known {
            Some(i) => (i as i64 + 1, Term::atom(Atom::new(HEADERS[i]))),
            None => (0, self.string(h, &name)),
        };
        let (original, value) = (self.string(h, original), self.string(h, rest.0));
        Some(h.tuple(&[am!("http_header"), Term::small(number), name, original, value]))
    }
}

/// A name with capital letters at the start of each word and small ones elsewhere.
fn capitals(name: &[u8]) -> Vec<u8> {
    let mut up = true;
    name.iter()
        .map(|&b| {
            let c = if up { b.to_ascii_uppercase() } else { b.to_ascii_lowercase() };
            // A hyphen starts a new word unless it is itself the first of one.
            up = !up && b == b'-';
            c
        })
        .collect()
}
