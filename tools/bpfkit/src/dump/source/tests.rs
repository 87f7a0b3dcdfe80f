// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::*;

/// A folder like `/sys/kernel/btf`, and others with links to it.
#[test]
fn modules_are_known_by_any_path() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().canonicalize().unwrap();
    let btf = root.join("btf");
    let vmlinux = btf.join("vmlinux");
    fs::create_dir(&btf).unwrap();
    for name in ["btf/vmlinux", "btf/module", "other"] {
        fs::write(root.join(name), []).unwrap();
    }
    symlink("btf", root.join("folder")).unwrap();
    symlink("btf/module", root.join("linked")).unwrap();
    symlink("btf/vmlinux", root.join("kernel")).unwrap();
    symlink("../other", btf.join("outside")).unwrap();
    // From the working directory, up to `/` and down again.
    let up = env::current_dir().unwrap().components().skip(1).count();
    let relative = |name: &str| {
        let to_root: PathBuf = vec![".."; up].iter().collect();
        to_root.join(root.join(name).strip_prefix("/").unwrap())
    };

    let modules = [
        btf.join("module"),
        btf.join("./module"),
        btf.join("../btf/module"),
        root.join("folder/module"),
        root.join("linked"),
        relative("btf/module"),
        relative("linked"),
    ];
    for path in modules {
        assert!(is_module(&path, &vmlinux), "{}", path.display());
        assert!(is_module(&path, &root.join("kernel")), "{}", path.display());
    }
    let others = [
        vmlinux.clone(),
        btf.join("../btf/vmlinux"),
        btf.join("outside"),
        btf.join("missing"),
        root.join("folder/vmlinux"),
        root.join("kernel"),
        root.join("other"),
        relative("btf/vmlinux"),
    ];
    for path in others {
        assert!(!is_module(&path, &vmlinux), "{}", path.display());
    }
    // Without the kernel's own BTF there is no base.
    assert!(!is_module(&btf.join("module"), &btf.join("missing")));
}
