// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Types as a C header, each declared before it is used.

mod body;
mod declare;
mod layout;
mod names;
mod order;
mod types;
mod unknown;

use std::io::Write;

use splitbtf::Btf;
use splitbtf::Kind;
use zerocopy::ByteOrder;

use self::declare::Writer;
use self::names::Names;
use self::order::Order;
use self::types::Types;

use super::DumpError;
use super::NotC;
use super::Text;

/// How long a chain of types without names may be, such as `const char **const[]`.
const MAX_CHAIN: usize = 256;
/// How deep structs without names, and the parameters of functions, may nest.
const MAX_NESTING: usize = 64;

const BEGIN: &str = r#"#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif

#ifndef __weak
#define __weak __attribute__((weak))
#endif

#ifndef __bpf_fastcall
#if __has_attribute(bpf_fastcall)
#define __bpf_fastcall __attribute__((bpf_fastcall))
#else
#define __bpf_fastcall
#endif
#endif

"#;

const END: &str = "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
";

/// Writes all types, or only `roots` and what they need.
pub(super) fn dump<O: ByteOrder>(
    btf: &Btf<'_, O>,
    roots: &[u32],
    text: Text<impl Write>,
) -> Result<(), DumpError> {
    let types = Types::of(btf)?;
    let names = Names::of(&types)?;
    let writer = Writer::new(&types, names, text);
    let mut order = Order::new(&types, writer);

    order.writer.text.put(BEGIN);
    if roots.is_empty() {
        order.all()?;
        kfuncs(&types, &mut order)?;
    } else {
        for root in roots {
            order.need(*root)?;
            if matches!(types.get(*root)?.kind, Kind::Unknown(_)) {
                order.writer.note_unknown(b"", *root)?;
                order.writer.text.put("\n\n");
            }
        }
    }
    order.writer.text.put(END);
    Ok(order.writer.text.finish()?)
}

/// Declares the kernel's functions that BPF programs can call, sorted by name.
fn kfuncs<O: ByteOrder, W: Write>(
    types: &Types<'_, '_, O>,
    order: &mut Order<'_, '_, O, W>,
) -> Result<(), DumpError> {
    let mut kfuncs = Vec::new();
    let mut fast = Vec::new();

    for id in 1..types.end_id() {
        let tag = types.get(id)?;
        let Kind::DeclTag {
            ty, component: -1, ..
        } = tag.kind
        else {
            continue;
        };
        let of = types.get(ty)?;
        let Kind::Func { proto, .. } = of.kind else {
            continue;
        };
        match types.string(tag.name_off)? {
            b"bpf_kfunc" => kfuncs.push((types.string(of.name_off)?, ty, proto)),
            b"bpf_fastcall" => fast.push(ty),
            _ => {}
        }
    }
    kfuncs.sort_unstable();
    fast.sort_unstable();

    let put = |order: &mut Order<'_, '_, O, W>, text: &str| order.writer.text.put(text);
    put(
        order,
        "\n/* BPF kfuncs */\n#ifndef BPF_NO_KFUNC_PROTOTYPES\n",
    );
    for (name, id, proto) in kfuncs {
        if let Some(unknown) = types.unknown(proto) {
            order
                .writer
                .note_unknown(&names::identifier(name), unknown)?;
            put(order, "\n");
            continue;
        }
        order.need(proto)?;
        put(order, "extern ");
        if fast.binary_search(&id).is_ok() {
            put(order, "__bpf_fastcall ");
        }
        order.writer.declare(proto, &names::identifier(name), 0)?;
        put(order, " __weak __ksym;\n");
        order.writer.text.spill()?;
    }
    put(order, "#endif\n\n");
    Ok(())
}

fn not_c(id: u32, reason: NotC) -> DumpError {
    DumpError::NotC { id, reason }
}
