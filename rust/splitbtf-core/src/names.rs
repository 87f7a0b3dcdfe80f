// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Looks types up by name.

use core::cmp::Ordering;

use zerocopy::ByteOrder;

use crate::strings::Key;
use crate::wire;
use crate::Btf;
use crate::Index;

/// The types of BTF by name.
///
/// Since 7.3 the kernel's build sorts BTF: types without a name come first, then the others, sorted
/// by the bytes of their names. Such BTF needs no index.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a, O: ByteOrder, I = &'a [u32]> {
    btf: Btf<'a, O, I>,
    order: Order<'a>,
    base: Option<&'a Self>,
}

#[derive(Clone, Copy, Debug)]
enum Order<'a> {
    /// From this id on, the types have names and are sorted by them.
    Sorted(u32),
    /// These ids are sorted by their types' names.
    Ids(&'a [u32]),
}

impl<'a, O: ByteOrder, I: Index> Names<'a, O, I> {
    /// For sorted BTF, with the id of the first type that has a name: [`Btf::first_named`]. If it
    /// is not sorted, some types will not be found.
    ///
    /// `base` finds the types of the base. Without it they are skipped.
    pub fn sorted(btf: Btf<'a, O, I>, first_named: u32, base: Option<&'a Self>) -> Self {
        Self {
            btf,
            order: Order::Sorted(first_named.max(btf.first_id()).min(btf.end_id())),
            base,
        }
    }

    /// For any BTF, with the ids of all types that have names, sorted by name. `sorted_by_name()`
    /// of the crate `splitbtf` makes such an index.
    ///
    /// `base` finds the types of the base. Without it they are skipped.
    pub fn indexed(btf: Btf<'a, O, I>, ids: &'a [u32], base: Option<&'a Self>) -> Self {
        Self {
            btf,
            order: Order::Ids(ids),
            base,
        }
    }

    /// The BTF that has the types.
    pub fn btf(&self) -> &Btf<'a, O, I> {
        &self.btf
    }

    /// The ids of the types with this name, of any kind. Those of the base come last.
    ///
    /// # Examples
    ///
    /// ```
    /// use splitbtf::Builder;
    /// use splitbtf::Names;
    /// use splitbtf::Owned;
    /// use splitbtf::LE;
    ///
    /// let mut builder = Builder::<LE>::new();
    /// let declared = builder.fwd(b"file", false);
    /// let defined = builder.structure(b"file", 192, &[]);
    /// builder.fwd(b"files_struct", false);
    /// let file = Owned::<LE>::new(builder.finish()?, None)?;
    /// let btf = file.btf();
    ///
    /// let first_named = btf.first_named().expect("it is sorted");
    /// let names = Names::sorted(btf, first_named, None);
    /// assert!(names.find(b"file").eq([declared, defined]));
    /// # Ok::<(), splitbtf::Error>(())
    /// ```
    pub fn find<'n>(&self, name: &'n [u8]) -> Find<'a, 'n, O, I> {
        let key = Key::new(name);

        Find {
            next: self.first_not_less(&key),
            names: (!name.is_empty()).then_some(*self),
            key,
        }
    }

    /// The id of the first type with this name and kind, which is one of [`kind`](crate::kind).
    pub fn find_kind(&self, name: &[u8], kind: u8) -> Option<u32> {
        let is_kind = |id: &u32| self.btf.head(*id).is_some_and(|head| head.kind() == kind);

        self.find(name).find(is_kind)
    }

    /// The number of names.
    fn len(&self) -> usize {
        match self.order {
            Order::Sorted(first) => {
                let count = self.btf.end_id().saturating_sub(first);
                count.try_into().unwrap_or(usize::MAX)
            }
            Order::Ids(ids) => ids.len(),
        }
    }

    /// The type with the `n`th name.
    #[inline]
    fn at(&self, n: usize) -> Option<u32> {
        match self.order {
            Order::Sorted(first) => {
                let id = first.checked_add(n.try_into().ok()?)?;
                (id < self.btf.end_id()).then_some(id)
            }
            Order::Ids(ids) => ids.get(n).copied(),
        }
    }

    /// The number of the first name that is not less than `key`.
    fn first_not_less(&self, key: &Key<'_>) -> usize {
        self.partition_point(key, Ordering::is_lt)
    }

    /// The number of the first name for which `so` does not hold; it holds for all before it.
    fn partition_point(&self, key: &Key<'_>, so: impl Fn(Ordering) -> bool) -> usize {
        let mut start: usize = 0;
        let mut len = self.len();

        while len > 0 {
            let half = len / 2;
            let middle = start.saturating_add(half);
            let order = self.at(middle).map(|id| self.compare(id, key));
            if order.is_some_and(&so) {
                start = middle.saturating_add(1);
                len = len.saturating_sub(half).saturating_sub(1);
            } else {
                len = half;
            }
        }
        start
    }

    #[inline]
    fn compare(&self, id: u32, key: &Key<'_>) -> Ordering {
        let strings = self
            .btf
            .head(id)
            .and_then(|head| self.btf.strings_from(head.name_off.get()));

        key.compare(strings.unwrap_or_default())
    }
}

/// The ids of the types with a name: the result of [`Names::find`].
#[derive(Clone, Debug)]
pub struct Find<'a, 'n, O: ByteOrder, I = &'a [u32]> {
    names: Option<Names<'a, O, I>>,
    next: usize,
    key: Key<'n>,
}

impl<O: ByteOrder, I: Index> Iterator for Find<'_, '_, O, I> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        loop {
            let names = self.names?;
            let id = names.at(self.next);
            if let Some(id) = id.filter(|id| names.compare(*id, &self.key).is_eq()) {
                self.next = self.next.saturating_add(1);
                return Some(id);
            }
            self.names = names.base.copied();
            self.next = self.names?.first_not_less(&self.key);
        }
    }
}

impl<'a, O: ByteOrder, I: Index> Btf<'a, O, I> {
    /// The id of the first type that has a name, if the types that are not in the base are sorted
    /// as the kernel's build sorts them: for [`Names::sorted`].
    pub fn first_named(&self) -> Option<u32> {
        let mut first = self.end_id();
        let mut last: &[u8] = &[];

        for id in self.first_id()..self.end_id() {
            self.pause_at(id);
            let name_off = self
                .head(id)
                .map(|head: &wire::Type<O>| head.name_off.get())?;
            let name = self.string(name_off).ok()?;
            if name < last {
                return None;
            }
            if last.is_empty() && !name.is_empty() {
                first = id;
            }
            last = name;
        }
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use zerocopy::LE;

    use super::*;
    use crate::testing::File;

    /// BTF with a type for each of these names, which are string offsets.
    fn file(names: &[u32]) -> File<LE> {
        let strings = b"\0a\0aa\0b\0";
        names
            .iter()
            .fold(File::new(), |file, name| file.add(*name, 16, 0, 4, &[]))
            .strings(strings)
    }

    const A: u32 = 1;
    const AA: u32 = 3;
    const B: u32 = 6;

    #[test]
    fn sorted_is_told_from_unsorted() {
        let first = |names: &[u32]| file(names).open(None).unwrap().first_named();

        assert_eq!(first(&[]), Some(1));
        assert_eq!(first(&[0, 0]), Some(3));
        assert_eq!(first(&[0, A, A, AA, B]), Some(2));
        assert_eq!(first(&[0, AA, A]), None);
        assert_eq!(first(&[A, 0]), None);
        assert_eq!(first(&[99]), None);
    }

    #[test]
    fn names_are_found() {
        let btf = file(&[0, A, A, AA, B]).open(None).unwrap();
        let names = Names::sorted(*btf, 2, None);
        let find = |name: &[u8]| names.find(name).collect::<Vec<_>>();

        assert_eq!(find(b"a"), [2, 3]);
        assert_eq!(find(b"aa"), [4]);
        assert_eq!(find(b"b"), [5]);
        for none in ["", "A", "aaa", "ab", "bb", "c"] {
            assert_eq!(find(none.as_bytes()), [], "{none}");
        }
        assert_eq!(names.find_kind(b"a", wire::FLOAT), Some(2));
        assert_eq!(names.find_kind(b"a", wire::STRUCT), None);
    }

    #[test]
    fn names_are_found_by_an_index() {
        let btf = file(&[B, A, 0, AA, A]).open(None).unwrap();
        let ids = [2, 5, 4, 1];
        let names = Names::indexed(*btf, &ids, None);

        assert_eq!(names.find(b"a").collect::<Vec<_>>(), [2, 5]);
        assert_eq!(names.find(b"b").collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn the_base_comes_last() {
        let base = file(&[A]).open(None).unwrap();
        let split = file(&[]).strings(b"").add(A, 16, 0, 4, &[]);
        let split = split.open(Some(base)).unwrap();
        let base = Names::sorted(*base, 1, None);

        let names = Names::sorted(*split, 2, Some(&base));
        assert_eq!(names.find(b"a").collect::<Vec<_>>(), vec![2, 1]);
        let names = Names::sorted(*split, 2, None);
        assert_eq!(names.find(b"a").collect::<Vec<_>>(), vec![2]);
    }
}
