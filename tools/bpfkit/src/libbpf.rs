// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Messages of libbpf. Its calls return only an error number; the reasons are in its messages.

use std::cell::RefCell;
use std::ffi::c_char;
use std::ffi::c_int;
use std::ffi::c_void;
use std::ffi::CStr;

use libbpf_sys::libbpf_print_fn_t;
use libbpf_sys::libbpf_print_level;
use libbpf_sys::LIBBPF_DEBUG;

/// The prefix of each message.
const PREFIX: &str = "libbpf: ";

/// How many of libbpf's warnings an error repeats, and how many lines of the verifier's log.
const WARNINGS: usize = 5;
const VERDICT: usize = 12;

/// Parts of warnings that only repeat that something failed.
const GENERIC: [&str; 6] = [
    "failed to load object '",
    "failed to open object",
    "BTF loading error: ",
    "-- BEGIN ",
    "': failed to load: ",
    "': failed to prepare load attributes: ",
];

thread_local! {
    static HEARD: RefCell<Heard> = const { RefCell::new(Heard { messages: vec![], echo: None }) };
}

struct Heard {
    messages: Vec<String>,
    echo: Option<fn(&str)>,
}

/// Collects the messages of libbpf in this thread, for as long as it lives. libbpf has one callback
/// for the whole process, and calls it in the thread that called libbpf.
///
/// libbpf-rs has the same, but ends the process if a message is not UTF-8, and messages contain
/// names from object files.
pub struct Messages {
    before: libbpf_print_fn_t,
}

impl Messages {
    /// Begins to listen. All messages go to `echo` as well, including those for debugging.
    pub fn listen(echo: Option<fn(&str)>) -> Self {
        type Hear = unsafe extern "C" fn(libbpf_print_level, *const c_char, *mut c_void) -> c_int;

        HEARD.with_borrow_mut(|heard| {
            heard.messages.clear();
            heard.echo = echo;
        });
        // SAFETY: The types differ only in `va_list`, which is a pointer or is passed as one.
        let hear = unsafe { std::mem::transmute::<Hear, libbpf_print_fn_t>(hear) };
        Self {
            // SAFETY: The function is one that libbpf may call.
            before: unsafe { libbpf_sys::libbpf_set_print(hear) },
        }
    }

    /// The verdict on the last program that the verifier refused.
    pub fn verdict(&self) -> Option<Verdict> {
        self.find(|message| {
            let (name, rest) = message.strip_prefix("prog '")?.split_once("': ")?;
            let log = between(
                rest,
                "-- BEGIN PROG LOAD LOG --\n",
                "-- END PROG LOAD LOG --",
            )?;
            Some(Verdict {
                program: name.into(),
                log: end_of_log(log),
            })
        })
    }

    /// Why the kernel refused the object's BTF; `None` if it did not.
    pub fn btf_refusal(&self) -> Option<String> {
        let log = self.find(|message| {
            let log = between(
                message,
                "-- BEGIN BTF LOAD LOG ---\n",
                "-- END BTF LOAD LOG --",
            )?;
            let last = log.lines().rfind(|line| !line.trim().is_empty())?;
            Some(last.trim().to_owned())
        });
        let refused = self.find(|message| {
            let rest = message.strip_prefix("Error loading .BTF into kernel: ")?;
            Some(rest.split(". BTF is ").next()?.to_owned())
        })?;
        Some(log.unwrap_or(refused))
    }

    /// The program that libbpf could not load, if a message names it.
    pub fn failed_program(&self) -> Option<String> {
        self.find(|message| {
            let (name, rest) = message.strip_prefix("prog '")?.split_once("': ")?;
            rest.starts_with("failed to load: ").then(|| name.into())
        })
    }

    /// The last warnings that say why something failed.
    pub fn reasons(&self) -> Vec<String> {
        HEARD.with_borrow(|heard| {
            let mut reasons: Vec<String> = vec![];
            for message in &heard.messages {
                let generic = GENERIC.iter().any(|text| message.contains(text));
                if !generic && reasons.last() != Some(message) {
                    reasons.push(message.clone());
                }
            }
            reasons.split_off(reasons.len().saturating_sub(WARNINGS))
        })
    }

    fn find<T>(&self, f: impl Fn(&str) -> Option<T>) -> Option<T> {
        HEARD.with_borrow(|heard| heard.messages.iter().rev().find_map(|message| f(message)))
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        // SAFETY: This is the callback that libbpf had before.
        unsafe { libbpf_sys::libbpf_set_print(self.before) };
        HEARD.with_borrow_mut(|heard| heard.echo = None);
    }
}

/// The verifier's log for a program that it refused.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The program's name.
    pub program: String,
    /// The last lines of its log, with the reason as the last.
    pub log: Vec<String>,
}

extern "C" {
    fn vasprintf(to: *mut *mut c_char, format: *const c_char, args: *mut c_void) -> c_int;
}

/// Receives a message from libbpf.
///
/// # Safety
///
/// Only libbpf may call it.
unsafe extern "C" fn hear(
    level: libbpf_print_level,
    format: *const c_char,
    args: *mut c_void,
) -> c_int {
    let debug = level >= LIBBPF_DEBUG;
    if debug && HEARD.with_borrow(|heard| heard.echo.is_none()) {
        return 0;
    }
    let mut text = std::ptr::null_mut();

    // SAFETY: libbpf passes a format and its arguments, and `text` can hold a pointer.
    if unsafe { vasprintf(&mut text, format, args) } >= 0 {
        // SAFETY: This is a new string that ends with a NUL.
        let message = unsafe { CStr::from_ptr(text) }.to_string_lossy();
        keep(&message, debug);
        // SAFETY: It was allocated for us, and nothing refers to it any more.
        unsafe { libc::free(text.cast()) };
    }
    0
}

fn keep(message: &str, debug: bool) {
    let echo = HEARD.with_borrow(|heard| heard.echo);

    if let Some(echo) = echo {
        echo(message.trim_end());
    }
    if !debug {
        let message = message.strip_prefix(PREFIX).unwrap_or(message);
        HEARD.with_borrow_mut(|heard| heard.messages.push(message.trim_end().into()));
    }
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let (log, _) = text.strip_prefix(from)?.rsplit_once(to)?;

    Some(log)
}

/// The end of the verifier's log, without the statistics that follow the reason. Since Linux 7.3
/// the log has a diagnosis as well; the reason in it becomes the last line.
fn end_of_log(log: &str) -> Vec<String> {
    let statistics = [
        "processed ",
        "verification time ",
        "stack depth ",
        "peak_states ",
    ];
    let (trace, diagnosis) = match log.split_once("\nVerification failed: ") {
        Some((trace, diagnosis)) => (trace, Some(diagnosis)),
        None => (log, None),
    };
    let mut lines: Vec<_> = trace
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty() && !statistics.iter().any(|begin| line.starts_with(begin)))
        .map(str::to_owned)
        .collect();

    lines.drain(..lines.len().saturating_sub(VERDICT));
    if let Some(diagnosis) = diagnosis {
        lines.extend(
            paragraph(diagnosis, "At:")
                .first()
                .map(|at| format!("at {at}")),
        );
        let title = diagnosis.lines().next().unwrap_or_default().trim();
        let reason = paragraph(diagnosis, "Reason:").join(" ");
        lines.push(format!("{title}: {reason}"));
    }
    lines
}

/// The lines below a title, up to an empty one.
fn paragraph<'a>(text: &'a str, title: &str) -> Vec<&'a str> {
    text.lines()
        .map(str::trim)
        .skip_while(|line| *line != title)
        .skip(1)
        .take_while(|line| !line.is_empty())
        .collect()
}

#[cfg(test)]
mod tests;
