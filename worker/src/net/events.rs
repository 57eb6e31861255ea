//! A held stream of server-sent events, data by data.

use reqwest::{Method, Response};

use super::client::Client;
use super::{NetError, answer};

/// A longer event is none of ours.
pub(crate) const EVENT_BYTES_MAX: usize = 16 << 20;

/// A stream that is open.
pub(crate) struct Events {
    response: Response,
    buffer: Buffer,
}

impl Events {
    /// Open the stream at a path.
    ///
    /// # Errors
    /// [`NetError`].
    pub(crate) async fn open(client: &Client, path: &str) -> Result<Self, NetError> {
        let request = client.request(Method::GET, path).header("Accept", "text/event-stream");
        Ok(Self {
            response: client.answer(request, 0).await?,
            buffer: Buffer::default(),
        })
    }

    /// The next event's data; none when the server ended the stream.
    ///
    /// # Errors
    /// The connection broke.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, NetError> {
        loop {
            if let Some(data) = self.buffer.next()? {
                return Ok(Some(data));
            }
            match answer::chunk(&mut self.response).await? {
                Some(chunk) => self.buffer.0.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }
}

/// Bytes that came and were not read yet.
#[derive(Debug, Default)]
struct Buffer(Vec<u8>);

impl Buffer {
    /// The first whole event with data; comments and events without data are passed over.
    fn next(&mut self) -> Result<Option<String>, NetError> {
        while let Some(end) = self.0.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = self.0.drain(..end + 2).collect();
            let event = String::from_utf8(event).map_err(|_| NetError::Garbled("an event is not UTF-8".into()))?;
            let data = event.lines().filter_map(|line| line.strip_prefix("data:"));
            let data: Vec<&str> = data.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
            if !data.is_empty() {
                return Ok(Some(data.join("\n")));
            }
        }
        match self.0.len() {
            ..=EVENT_BYTES_MAX => Ok(None),
            _ => Err(NetError::Garbled("an event is too long".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_however_they_are_cut() {
        let text = b": hello\n\nevent: orders\nid: 3\ndata: {\"a\":\ndata: 1}\n\n:\n\ndata:x\n\n";
        for cut in 1..text.len() {
            let mut buffer = Buffer::default();
            let mut found = Vec::new();
            for part in [&text[..cut], &text[cut..]] {
                buffer.0.extend_from_slice(part);
                while let Some(data) = buffer.next().unwrap() {
                    found.push(data);
                }
            }
            assert_eq!(found, ["{\"a\":\n1}", "x"], "cut at {cut}");
        }
    }
}
