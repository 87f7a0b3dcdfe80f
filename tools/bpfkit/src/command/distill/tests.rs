// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

fn places(modules: &[&str], output: Option<&str>) -> Result<Vec<PathBuf>, String> {
    let modules: Vec<_> = modules.iter().map(PathBuf::from).collect();

    outputs(&modules, output.map(Path::new))
}

#[test]
fn results_go_where_they_should() {
    let paths = |paths: &[&str]| Ok(paths.iter().map(PathBuf::from).collect());

    assert_eq!(
        places(&["a/b.ko", "c.ko"], None),
        paths(&["a/b.ko", "c.ko"])
    );
    assert_eq!(places(&["a/b.ko.xz"], Some("new.ko")), paths(&["new.ko"]));
    assert_eq!(places(&["a/b.ko.xz"], Some("/")), paths(&["/b.ko"]));
    assert_eq!(
        places(&["a/b.ko.zst", "c.ko"], Some("to")),
        paths(&["to/b.ko", "to/c.ko"])
    );
    assert!(places(&["b.ko", "a.ko.gz"], None)
        .unwrap_err()
        .starts_with("a.ko.gz: "));
    assert_eq!(
        places(&["a/c.ko", "b/c.ko"], Some("to")),
        Err("several modules would be to/c.ko".into())
    );
}
