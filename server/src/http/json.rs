//! JSON, as much of it as is written here. Nothing in it can end a script or begin a tag, wherever it may be put.

use std::fmt::{Display, Write};

/// A value being written.
#[derive(Debug, Default)]
pub struct Json(String);

impl Json {
    /// The text.
    pub fn end(self) -> String {
        self.0
    }

    fn comma(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with(['{', '[', ':']) {
            self.0.push(',');
        }
    }

    /// An object of what `fill` writes.
    pub fn object(&mut self, fill: impl FnOnce(&mut Json)) {
        self.comma();
        self.0.push('{');
        fill(self);
        self.0.push('}');
    }

    /// A list of what `fill` writes.
    pub fn list(&mut self, fill: impl FnOnce(&mut Json)) {
        self.comma();
        self.0.push('[');
        fill(self);
        self.0.push(']');
    }

    /// The name of what comes next.
    pub fn name(&mut self, name: &str) -> &mut Json {
        self.text(name);
        self.0.push(':');
        self
    }

    /// A number; what is none is written as null.
    pub fn number(&mut self, number: impl Display) {
        self.comma();
        let from = self.0.len();
        // Writing to memory cannot fail.
        let _ = write!(self.0, "{number}");
        if self.0[from..].parse::<f64>().is_ok_and(|number| !number.is_finite()) {
            self.0.truncate(from);
            self.0.push_str("null");
        }
    }

    /// Yes or no.
    pub fn bool(&mut self, is: bool) {
        self.comma();
        self.0.push_str(if is { "true" } else { "false" });
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.comma();
        self.0.push('"');
        for letter in text.chars() {
            match letter {
                '"' | '\\' => self.0.extend(['\\', letter]),
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..' ' | '\u{7f}' => {
                    let _ = write!(self.0, "\\u{:04x}", u32::from(letter));
                }
                _ => self.0.push(letter),
            }
        }
        self.0.push('"');
    }

    /// A key: what is no text in it is shown as its bytes.
    pub fn key(&mut self, key: &[u8]) {
        let shown = |text: &str| !text.chars().any(|letter| letter.is_control() || letter == '\\');
        match std::str::from_utf8(key) {
            Ok(text) if shown(text) => self.text(text),
            _ => self.text(&key.escape_ascii().to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let evil = "</script><img src=x onerror=alert(1)>\"\\\u{2028}é\u{1}";
        let mut json = Json::default();
        json.object(|json| {
            json.name("text").text(evil);
            json.name("list").list(|json| {
                json.number(1.5);
                json.number(f64::NAN);
                json.bool(true);
                json.object(|_| {});
                json.list(|_| {});
            });
            json.name("key").key(b"a\xff\n<b>");
            json.name("plain").key("größe:1".as_bytes());
        });
        let text = json.end();
        assert!(!text.contains(['<', '>', '&']), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            read,
            serde_json::json!({
                "text": evil, "list": [1.5, null, true, {}, []], "key": "a\\xff\\n<b>", "plain": "größe:1"
            })
        );
    }
}
