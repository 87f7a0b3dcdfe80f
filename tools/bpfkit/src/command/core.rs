// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit core`.

mod check;
mod files;
mod show;

use clap::Subcommand;

use self::check::Check;
use self::show::Show;
use super::paths;
use super::terminal::width;
use super::Failure;
use super::Voice;

/// The BTF of the running kernel.
const RUNNING: &str = "/sys/kernel/btf/vmlinux";

#[derive(Subcommand)]
pub enum Core {
    /// Show what CO-RE decides for each relocation of an object
    #[command(after_help = "Examples:
  bpfkit core show execsnoop.bpf.o
  bpfkit core show execsnoop.bpf.o --kernel /boot/vmlinuz-7.3
  bpfkit core show probe.bpf.o --kernel vmlinux --modules /lib/modules/7.3.4
  bpfkit -v core show probe.bpf.o
  bpfkit -j core show probe.bpf.o >record.json

For each relocation: its kind by libbpf's name and the place in the types of the
object; the value that the compiler has put into the instruction, and the one
for the kernel; what happens to the instruction; the line of source code, and
the program with the number of the instruction; the type of the kernel that was
chosen. With -v: all types that were considered, and what became of each.

An instruction is 'patched', 'unchanged' if it has the right value already, or
'poisoned' if the kernel lacks what it needs: the verifier refuses the program
if it can reach it. If a relocation is 'refused', libbpf loads no program of the
object.

Decisions are those of libbpf 1.8: vmlinux is searched first, then all modules.
Without --kernel that is the running kernel with its modules; for other kernels
--modules gives the modules: files, or folders with .ko or .btf files.

JSON is an array with an object for each relocation: 'candidates' has all types
that were considered, 'target' the index of the chosen one. A relocation that is
malformed has 'section', 'offset' and 'reason' only.

The exit status is 0 if libbpf accepts all relocations, 1 if it does not, or if
the file is no BPF object, 2 if a file cannot be read.")]
    Show(Show),
    /// Foretell what becomes of objects on kernels
    #[command(after_help = "Examples:
  bpfkit core check probe.bpf.o --kernel /boot/vmlinuz-*
  bpfkit core check objects/ --kernel vmlinux-7.2 vmlinux-7.3
  find . -name '*.bpf.o' | bpfkit core check --files-from - --kernel vmlinux
  bpfkit -j core check probe.bpf.o --kernel vmlinux --fail-on fails
  bpfkit core check probe.bpf.o -k vmlinux --symbols System.map

Compares what the BTF of a kernel can answer: CO-RE relocations; kfuncs and
variables of the kernel (.ksyms), with their prototypes and types; functions,
tracepoints, LSM hooks and iterators that programs are for (fentry, fexit,
fmod_ret, fsession, tp_btf, lsm, iter); and the structs of struct_ops.

- 'relocates': all of this is there.
- 'relocates, N guarded': N things are absent, and no instruction that needs
  them is reached: the program asks first, or they are weak.
- 'may fail, N poisoned': N things are absent, and instructions that need them
  may be reached, as far as constants in registers tell. The verifier knows more.
- 'fails': libbpf or the kernel refuses the object, or the verifier a program.

A verdict is about all programs that libbpf loads by default; a loader may leave
some out. The reasons name the programs.

No verdict says that an object loads: helpers, maps, the values of .kconfig and
the verifier's other rules are not looked at. What an object asks for and BTF
cannot answer is 'not looked at'; with --symbols (System.map or /proc/kallsyms)
variables without a type are looked up too. A vmlinux with symbols needs none.

A reason comes with what the kernel has instead: a member of the same type at
the same offset, another flavour that the object asks for, or a type of the same
name and another kind.

Several objects get a summary: the number of objects by verdict, each reason
with its objects, and a table of those that do not relocate. --all adds the other
objects and the rarer reasons, -v shows in the table the reasons of each object.

The exit status is 0 if all objects relocate on all kernels, 1 if one fails or
may fail (see --fail-on), or if a file is no BPF object with BTF, 2 if a file
cannot be read.")]
    Check(Check),
}

/// Runs the command.
pub fn run(command: Core, voice: Voice) -> Result<(), Failure> {
    match command {
        Core::Show(show) => show::run(&show, voice),
        Core::Check(check) => check::run(&check, voice),
    }
}
