// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Tables of text.

/// Aligns the columns: the first to the left, the others to the right.
pub fn render(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<_> = header.iter().map(ToString::to_string).collect();
    let lines: Vec<_> = [&header].into_iter().chain(rows).collect();
    let mut text = String::new();

    for line in &lines {
        for (n, cell) in line.iter().enumerate() {
            let lengths = lines.iter().filter_map(|line| line.get(n)).map(String::len);
            let width = lengths.max().unwrap_or_default();
            match n {
                0 => text += &format!("{cell:width$}"),
                _ => text += &format!("  {cell:>width$}"),
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_line_up() {
        let rows = [
            vec!["a".into(), "1000".into()],
            vec!["long".into(), "1".into()],
        ];
        assert_eq!(
            render(&["of", "n"], &rows),
            "of       n\na     1000\nlong     1\n"
        );
    }
}
