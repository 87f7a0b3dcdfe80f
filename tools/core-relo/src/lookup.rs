// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Looks types of a kernel up by name: functions and variables, which no relocation asks about.

use crate::budget::Budget;
use crate::name::essential;
use crate::Fault;
use crate::Targets;

/// A name without its flavour: `task_struct` for `task_struct___old`.
pub fn essential_name(name: &str) -> &str {
    let len = essential(name.as_bytes()).len();

    name.get(..len).unwrap_or(name)
}

impl Targets<'_> {
    /// The first type with this name and this [kind](splitbtf::kind): the number of the BTF, 0 for the
    /// kernel and 1 for its first module, and the id in it. As libbpf, it searches the kernel first.
    ///
    /// # Errors
    ///
    /// If too many types have a name of the same hash.
    pub fn find(&self, name: &str, kind: u8) -> Result<Option<(usize, u32)>, Fault> {
        self.first("", name, kind)
    }

    /// The first type with this name and this kind in the modules whose names start with `module`: see
    /// [`Targets::find`].
    ///
    /// # Errors
    ///
    /// If too many types have a name of the same hash.
    pub fn find_in(
        &self,
        module: &str,
        name: &str,
        kind: u8,
    ) -> Result<Option<(usize, u32)>, Fault> {
        self.first(module, name, kind)
    }

    fn first(&self, btf: &str, name: &str, kind: u8) -> Result<Option<(usize, u32)>, Fault> {
        let budget = Budget::new(self.len());

        for number in 0.. {
            let Some(target) = self.get(number) else {
                break;
            };
            if !target.name.starts_with(btf) {
                continue;
            }
            let ids = target.find(essential(name.as_bytes()), kind, &budget)?;
            let has_name = |id: &u32| self.has_name(number, *id, name);
            if let Some(id) = ids.into_iter().find(has_name) {
                return Ok(Some((number, id)));
            }
        }
        Ok(None)
    }

    fn has_name(&self, number: usize, id: u32, name: &str) -> bool {
        let target = self.get(number);
        let strings = target.and_then(|target| {
            let (_, name_off) = target.types.head(id)?;
            target.types.strings_from(name_off)
        });
        let rest = strings.and_then(|strings| strings.strip_prefix(name.as_bytes()));

        rest.is_some_and(|rest| rest.first() == Some(&0))
    }
}

#[cfg(test)]
mod tests {
    use splitbtf::kind;
    use splitbtf::Int;
    use splitbtf::LE;

    use super::*;
    use crate::testing::kernel;
    use crate::testing::module;

    #[test]
    fn functions_are_found_in_the_kernel_then_in_modules() {
        let vmlinux = kernel::<LE>(|b| {
            b.int(b"f", Int::signed(4));
            b.func_proto(1, &[]);
            b.func(b"f", 2, 1);
        });
        let first = module(&vmlinux, |b| {
            b.func(b"g", 2, 1);
        });
        let second = module(&vmlinux, |b| {
            b.func(b"h", 2, 1);
            b.func(b"g", 2, 1);
            b.func(b"f", 2, 1);
        });
        let targets = Targets::new(&vmlinux)
            .module("first", &first)
            .module("second", &second);
        let find = |name, kind| targets.find(name, kind).unwrap();

        assert_eq!(find("f", kind::FUNC), Some((0, 3)));
        assert_eq!(find("f", kind::INT), Some((0, 1)));
        assert_eq!(find("f", kind::VAR), None);
        assert_eq!(find("f___flavour", kind::FUNC), None);
        assert_eq!(find("g", kind::FUNC), Some((1, 4)));
        assert_eq!(find("h", kind::FUNC), Some((2, 4)));
        let find_in = |module, name| targets.find_in(module, name, kind::FUNC).unwrap();
        assert_eq!(find_in("second", "f"), Some((2, 6)));
        assert_eq!(find_in("vmlinux", "f"), Some((0, 3)));
        assert_eq!(find_in("first", "f"), None);
        assert_eq!(find_in("third", "f"), None);
    }
}
