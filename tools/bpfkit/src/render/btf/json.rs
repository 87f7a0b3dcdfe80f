// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Types as JSON, byte for byte as bpftool writes it: `btf_dump` of `docs/bpfkit.schema.json`. It is
//! written while the types are read, so `serde_json` cannot be used.
//!
//! In names that no compiler writes, bytes that JSON does not allow are escaped: bpftool writes them.

use std::io;
use std::io::Write;

use crate::dump::Text;

use super::raw::Sink;
use super::raw::Value;

/// JSON, on one line or on many.
pub(super) struct Json<W> {
    text: Text<W>,
    pretty: bool,
    depth: usize,
    /// Whether the current object or list has content, so that a comma comes next.
    comma: bool,
}

impl<W: Write> Json<W> {
    pub(super) fn new(text: Text<W>, pretty: bool) -> Self {
        let mut this = Self {
            text,
            pretty,
            depth: 0,
            comma: false,
        };
        this.open("{");
        this.list("types");
        this
    }

    fn open(&mut self, bracket: &str) {
        if self.comma {
            self.text.put(",");
        }
        self.text.put(bracket);
        self.depth += 1;
        self.comma = false;
    }

    fn close(&mut self, bracket: &str) {
        self.depth = self.depth.saturating_sub(1);
        if self.comma {
            self.line();
        }
        self.text.put(bracket);
        self.comma = true;
    }

    fn line(&mut self) {
        if self.pretty {
            self.text.put("\n");
            for _ in 0..self.depth {
                self.text.put("    ");
            }
        }
    }

    fn key(&mut self, key: &str) {
        if self.comma {
            self.text.put(",");
        }
        self.line();
        self.text.put("\"");
        self.text.put(key);
        self.text.put(if self.pretty { "\": " } else { "\":" });
        self.comma = true;
    }

    fn string(&mut self, key: &str, value: &[u8]) {
        self.key(key);
        self.text.put("\"");
        for chunk in value.utf8_chunks() {
            self.escaped(chunk.valid());
            if !chunk.invalid().is_empty() {
                self.text.put("\u{fffd}");
            }
        }
        self.text.put("\"");
    }

    fn escaped(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                b'\t' => self.text.put("\\t"),
                b'\n' => self.text.put("\\n"),
                b'\r' => self.text.put("\\r"),
                0xc => self.text.put("\\f"),
                0x8 => self.text.put("\\b"),
                b'\\' => self.text.put("\\\\"),
                b'"' => self.text.put("\\\""),
                0..0x20 => self.text.put(format!("\\u{byte:04x}")),
                byte => self.text.put([byte]),
            }
        }
    }
}

impl<W: Write> Sink for Json<W> {
    fn begin(&mut self, id: u32, kind: &str, name: &[u8]) {
        self.open("{");
        self.number("id", id);
        self.word("kind", kind, false);
        self.string("name", name);
    }

    fn number(&mut self, key: &str, value: impl itoa::Integer) {
        self.key(key);
        self.text.number(value);
    }

    fn word(&mut self, key: &str, value: &str, _comma: bool) {
        self.string(key, value.as_bytes());
    }

    fn value(&mut self, value: Value) {
        self.key("val");
        match value {
            Value::I32(value) => self.text.number(value),
            // bpftool sign-extends 32 bits even if they are unsigned.
            Value::U32(value) => self.text.number(i64::from(value as i32) as u64),
            Value::I64(value) => self.text.number(value),
            Value::U64(value) => self.text.number(value),
        }
    }

    fn list(&mut self, key: &str) {
        self.key(key);
        self.comma = false;
        self.open("[");
    }

    fn part(&mut self, name: Option<&[u8]>) {
        self.open("{");
        if let Some(name) = name {
            self.string("name", name);
        }
    }

    fn remark(&mut self, _kind: &str, _name: &[u8]) {}

    fn end_part(&mut self) {
        self.close("}");
    }

    fn end_list(&mut self) {
        self.close("]");
    }

    fn end(&mut self) {
        self.close("}");
    }

    fn spill(&mut self) -> io::Result<()> {
        self.text.spill()
    }

    fn finish(mut self) -> io::Result<()> {
        self.close("]");
        self.close("}");
        self.text.put("\n");
        self.text.finish()
    }
}
