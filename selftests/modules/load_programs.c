// SPDX-License-Identifier: GPL-2.0
/*
 * Loads each program of BPF objects on its own, and prints the outcome in a line
 * with tabs: the object, the program, and
 *   loaded				or "returned N", if it has been run
 *   refused		the verifier's message
 *   failed		libbpf's message; the verifier has not seen the program
 *
 * usage: load_programs [-k] [-r] OBJECT...
 *   -k	loads them as a light skeleton does: with a loader program, in which the
 *	kernel does the work of libbpf; they must have no maps
 *   -r	runs them; they must be of the section "syscall"
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Needs the headers above. */
#include <bpf/skel_internal.h>

static bool in_kernel, runs;

/* Only the verifier's message, without instructions and explanations. */
#define LOG_LEVEL 4

static char verifier_log[65536];
static char libbpf_says[1024];

static int keep(enum libbpf_print_level level, const char *format, va_list args)
{
	/* The lines after the first one are about its consequences. */
	if (level == LIBBPF_WARN && !libbpf_says[0])
		vsnprintf(libbpf_says, sizeof(libbpf_says), format, args);
	return 0;
}

/* Prints the lines before the verifier's statistics as one. */
static void print_log(char *log)
{
	char *statistics = strstr(log, "verification time");

	if (!statistics)
		statistics = strstr(log, "processed ");
	if (statistics)
		*statistics = '\0';
	for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n"))
		printf("%s%s", line == log ? "" : "; ", line);
}

static int load(struct bpf_object *object, struct bpf_program *program)
{
	int status;

	bpf_program__set_log_buf(program, verifier_log, sizeof(verifier_log));
	bpf_program__set_log_level(program, LOG_LEVEL);
	status = bpf_object__load(object);
	return status ? status : bpf_program__fd(program);
}

/* Generates a loader program as bpftool does, and runs it as a light skeleton does. */
static int load_in_kernel(struct bpf_object *object)
{
	struct {
		struct bpf_loader_ctx ctx;
		struct bpf_prog_desc program;
	} skeleton = {
		.ctx = {
			.sz = sizeof(skeleton),
			.log_level = LOG_LEVEL,
			.log_size = sizeof(verifier_log),
			.log_buf = (unsigned long)verifier_log,
		},
	};
	LIBBPF_OPTS(gen_loader_opts, loader);
	struct bpf_load_and_run_opts opts = {};
	int status;

	status = bpf_object__gen_loader(object, &loader);
	if (!status)
		status = bpf_object__load(object);
	if (status)
		return status;

	opts.ctx = &skeleton.ctx;
	opts.data = loader.data;
	opts.data_sz = loader.data_sz;
	opts.insns = loader.insns;
	opts.insns_sz = loader.insns_sz;
	status = bpf_load_and_run(&opts);
	return status ? status : skeleton.program.prog_fd;
}

static int run(int fd)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_prog_test_run_opts(fd, &opts))
		err(1, "running a program");
	return opts.retval;
}

/* Loads the program of this name, without the object's other programs. */
static void one_program(const char *path, const char *name)
{
	struct bpf_program *program, *wanted;
	struct bpf_object *object;
	int fd;

	object = bpf_object__open(path);
	if (!object)
		err(1, "%s", path);
	wanted = bpf_object__find_program_by_name(object, name);
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, program == wanted);

	verifier_log[0] = '\0';
	libbpf_says[0] = '\0';
	fd = in_kernel ? load_in_kernel(object) : load(object, wanted);
	printf("%s\t%s\t", bpf_object__name(object), name);
	if (fd >= 0 && runs) {
		printf("returned %d", run(fd));
	} else if (fd >= 0) {
		printf("loaded");
	} else if (verifier_log[0]) {
		printf("refused\t");
		print_log(verifier_log);
	} else {
		libbpf_says[strcspn(libbpf_says, "\n")] = '\0';
		printf("failed\t%s", libbpf_says[0] ? libbpf_says : strerror(-fd));
	}
	putchar('\n');
	bpf_object__close(object);
}

static void all_programs(const char *path)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *program;

	if (!object)
		err(1, "%s", path);
	bpf_object__for_each_program(program, object)
		one_program(path, bpf_program__name(program));
	bpf_object__close(object);
}

int main(int argc, char *argv[])
{
	int option;

	while ((option = getopt(argc, argv, "kr")) != -1) {
		if (option == 'k')
			in_kernel = true;
		else if (option == 'r')
			runs = true;
		else
			return 1;
	}
	libbpf_set_print(keep);
	for (; optind < argc; optind++)
		all_programs(argv[optind]);
	return 0;
}
