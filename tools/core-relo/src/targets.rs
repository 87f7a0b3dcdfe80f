// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The types of a kernel and of its modules, by name.

use std::fmt;
use std::sync::OnceLock;

use splitbtf::kind;

use crate::budget::Budget;
use crate::error::MAX_NAME;
use crate::name::essential;
use crate::side::same_kind;
use crate::spec::size;
use crate::Fault;
use crate::Types;

/// The name of the kernel itself, as libbpf and `/sys/kernel/btf` have it.
const VMLINUX: &str = "vmlinux";

/// The size of a pointer if the types do not say, in bytes.
const POINTER: u32 = 8;

/// The names by which libbpf recognises a type as large as a pointer: `determine_ptr_size()`.
const LONG: [&str; 11] = [
    "long",
    "long int",
    "int long",
    "unsigned long",
    "long unsigned",
    "unsigned long int",
    "unsigned int long",
    "long unsigned int",
    "long int unsigned",
    "int unsigned long",
    "int long unsigned",
];

/// The types of a kernel, and those of its modules.
///
/// An index by name is made when it is needed first. Any number of [deciders](crate::Decider) can
/// use the same targets, in several threads too.
#[derive(Debug)]
pub struct Targets<'a> {
    vmlinux: Target<'a>,
    modules: Vec<Target<'a>>,
}

/// The types of the kernel or of a module.
pub(crate) struct Target<'a> {
    pub name: String,
    pub types: &'a dyn Types,
    index: OnceLock<Index>,
    /// The size of a pointer by these types alone, in bytes.
    pointer: OnceLock<Option<u32>>,
}

impl<'a> Targets<'a> {
    /// The kernel alone: what libbpf looks at if it is given `btf_custom_path`.
    pub fn new(vmlinux: &'a dyn Types) -> Self {
        Self {
            vmlinux: Target::new(VMLINUX, vmlinux),
            modules: vec![],
        }
    }

    /// Adds a module. Its BTF is split on the kernel's.
    pub fn module(mut self, name: &str, types: &'a dyn Types) -> Self {
        self.modules.push(Target::new(name, types));
        self
    }

    /// Sets the size of a pointer in the kernel, in bytes. Otherwise it is that of `long`, as with
    /// libbpf.
    pub fn pointer_size(mut self, bytes: u32) -> Self {
        self.vmlinux.pointer = Some(bytes).into();
        self
    }

    /// The `n`th target; 0 is the kernel.
    pub(crate) fn get(&self, n: usize) -> Option<&Target<'a>> {
        match n.checked_sub(1) {
            None => Some(&self.vmlinux),
            Some(n) => self.modules.get(n),
        }
    }

    /// The kernel.
    pub(crate) fn vmlinux(&self) -> &Target<'a> {
        &self.vmlinux
    }

    /// The modules.
    pub(crate) fn modules(&self) -> &[Target<'a>] {
        &self.modules
    }

    /// The kernel, and then the modules.
    fn all(&self) -> impl Iterator<Item = &Target<'a>> {
        std::iter::once(&self.vmlinux).chain(&self.modules)
    }

    /// The size of a pointer in a target, in bytes: that of the kernel, or that of the module if the
    /// kernel's types do not say.
    pub(crate) fn pointer(&self, target: &Target<'_>) -> u32 {
        let kernel = self.vmlinux.pointer();

        kernel.or_else(|| target.pointer()).unwrap_or(POINTER)
    }

    /// How long all types are, in bytes.
    pub(crate) fn len(&self) -> u64 {
        let len = |target: &Target<'_>| u64::try_from(target.types.len()).unwrap_or(u64::MAX);

        self.all().map(len).fold(0, u64::saturating_add)
    }

    /// The types with this name and kind, as numbers of targets and ids: those of the kernel, or those
    /// of all modules if the kernel has none.
    pub(crate) fn candidates(
        &self,
        name: &[u8],
        kind: u8,
        budget: &Budget,
    ) -> Result<Vec<(usize, u32)>, Fault> {
        let mut found = vec![];

        for (n, target) in self.all().enumerate() {
            let ids = target.find(name, kind, budget)?;
            found.extend(ids.into_iter().map(|id| (n, id)));
            if n == 0 && !found.is_empty() {
                break;
            }
        }
        Ok(found)
    }
}

impl<'a> Target<'a> {
    fn new(name: &str, types: &'a dyn Types) -> Self {
        Self {
            name: name.to_string(),
            types,
            index: OnceLock::new(),
            pointer: OnceLock::new(),
        }
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::new(self.types))
    }

    /// The ids of the types with this essential name and this kind, in their order.
    pub(crate) fn find(&self, name: &[u8], kind: u8, budget: &Budget) -> Result<Vec<u32>, Fault> {
        let mut ids = vec![];

        for id in self.index().with_hash(hash(name)) {
            budget.spend(1)?;
            let Some((found, name_off)) = self.types.head(id) else {
                continue;
            };
            if same_kind(found, kind) && essential(short(self.types, name_off)) == name {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    fn pointer(&self) -> Option<u32> {
        *self
            .pointer
            .get_or_init(|| self.long().map(|(_, size)| size))
    }

    /// The type that is as large as a pointer, and its size.
    pub fn long(&self) -> Option<(u32, u32)> {
        let longs = LONG.iter().flat_map(|name| {
            let ids = self.index().with_hash(hash(name.as_bytes()));
            ids.filter_map(|id| Some((id, self.size_of_long(id, name.as_bytes())?)))
        });

        longs.min()
    }

    /// The size of a type, if it is an integer of this name that may be as large as a pointer.
    fn size_of_long(&self, id: u32, name: &[u8]) -> Option<u32> {
        let (found, name_off) = self.types.head(id)?;
        if found != kind::INT || short(self.types, name_off) != name {
            return None;
        }
        let size = self.types.get(id).ok()?.kind.size();

        size.filter(|size| matches!(size, 4 | 8))
    }
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types = self.types;
        let ids = types.first_id()..types.end_id();

        f.debug_struct("Target")
            .field("name", &self.name)
            .field("ids", &ids)
            .finish_non_exhaustive()
    }
}

/// The types with names, by the hashes of their essential names.
#[derive(Debug)]
struct Index {
    first_id: u32,
    /// The first id with each hash, 0 for none. A power of two of them.
    first: Vec<u32>,
    /// For each type, the next one with the same hash, 0 for none.
    next: Vec<u32>,
}

impl Index {
    /// Indexes the types that are not in the base.
    fn new(types: &dyn Types) -> Self {
        let (first_id, end_id) = (types.first_id(), types.end_id());
        let count = size(end_id.saturating_sub(first_id));
        let mut index = Self {
            first_id,
            first: vec![0; count.max(1).next_power_of_two()],
            next: vec![0; count],
        };

        // From the end, so that each chain is in the order of the ids.
        for id in (first_id..end_id).rev() {
            let Some((_, name_off @ 1..)) = types.head(id) else {
                continue;
            };
            let name = essential(short(types, name_off));
            if !name.is_empty() {
                index.add(id, hash(name));
            }
        }
        index
    }

    fn add(&mut self, id: u32, hash: u64) {
        let slot = self.slot(hash);
        let n = size(id.saturating_sub(self.first_id));

        if let (Some(first), Some(next)) = (self.first.get_mut(slot), self.next.get_mut(n)) {
            *next = std::mem::replace(first, id);
        }
    }

    fn slot(&self, hash: u64) -> usize {
        let mask = self.first.len().saturating_sub(1);
        let hash = usize::try_from(hash & u64::from(u32::MAX)).unwrap_or_default();

        hash & mask
    }

    fn with_hash(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        let first = self.first.get(self.slot(hash)).copied();
        let next = |id: &u32| {
            let n = size(id.saturating_sub(self.first_id));
            self.next.get(n).copied().filter(|id| *id != 0)
        };

        std::iter::successors(first.filter(|id| *id != 0), next)
    }
}

/// A name that is not too long; otherwise nothing.
fn short(types: &dyn Types, name_off: u32) -> &[u8] {
    let strings = types.strings_from(name_off).unwrap_or_default();
    let strings = strings.get(..=MAX_NAME).unwrap_or(strings);
    let len = strings.iter().position(|byte| *byte == 0);

    len.and_then(|len| strings.get(..len)).unwrap_or_default()
}

/// FNV-1a, with the upper bits mixed into the lower ones. Chains of names that collide are no danger:
/// each step along a chain is counted as work.
fn hash(name: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    let hash = name.iter().fold(0xcbf2_9ce4_8422_2325, mix);

    hash ^ hash >> 32
}
