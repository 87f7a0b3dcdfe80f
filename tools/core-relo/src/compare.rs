// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Compares types that no relocation asks about: those of functions and variables.

use splitbtf::CoreReloKind;

use crate::budget::Budget;
use crate::matching;
use crate::matching::No;
use crate::matching::Sides;
use crate::side::Side;
use crate::spec::Path;
use crate::Fault;
use crate::Mismatch;
use crate::Types;

/// The size of a pointer in bytes. No comparison depends on it.
const POINTER: u32 = 8;

/// Why the type `id` of an object is not compatible with one of a kernel; `None` if it is. libbpf
/// compares the prototypes of kfuncs and the types of variables of the kernel in this way:
/// `bpf_core_types_are_compat()`.
///
/// # Errors
///
/// If one of the types is malformed, or nested too deep.
pub fn incompatible(
    object: (&dyn Types, u32),
    kernel: (&dyn Types, u32),
) -> Result<Option<Mismatch>, Fault> {
    let len = |types: &dyn Types| u64::try_from(types.len()).unwrap_or(u64::MAX);
    let budget = Budget::new(len(object.0).saturating_add(len(kernel.0)));
    let side = |types| Side {
        types,
        pointer: POINTER,
        budget: &budget,
    };
    let sides = Sides {
        local: side(object.0),
        kernel: side(kernel.0),
    };

    let path = Path::new(object.1);
    match matching::find(sides, CoreReloKind::TypeExists, &path, kernel.1) {
        Ok(_) => Ok(None),
        Err(No::Differs(mismatch)) => Ok(Some(mismatch)),
        Err(No::Fails(fault)) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use splitbtf::Int;
    use splitbtf::LE;

    use super::*;
    use crate::testing::kernel;

    #[test]
    fn prototypes_are_compared() {
        // 1: int, 2: long, 3: int (int), 4: int (long), 5: int (int, int), 6: int *, 7: int (int *).
        let types = kernel::<LE>(|b| {
            let int = b.int(b"int", Int::signed(4));
            let long = b.int(b"long", Int::signed(8));
            b.func_proto(int, &[(b"", int)]);
            b.func_proto(int, &[(b"", long)]);
            b.func_proto(int, &[(b"", int), (b"", int)]);
            let pointer = b.ptr(int);
            b.func_proto(int, &[(b"", pointer)]);
        });
        let text = |id| {
            let found = incompatible((&types, 3), (&types, id)).unwrap();
            found.map(|mismatch| mismatch.to_string())
        };

        assert_eq!(text(3), None);
        // Sizes do not count.
        assert_eq!(text(4), None);
        let [more, kind] = [5, 7].map(|id| text(id).unwrap());
        assert!(more.ends_with("another number of parameters"), "{more}");
        assert!(kind.ends_with("another kind"), "{kind}");
        assert!(incompatible((&types, 3), (&types, 99)).is_err());
    }
}
