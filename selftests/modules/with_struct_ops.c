// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a command while the struct_ops of a BPF object is registered; exits with
 * its status, or with 125 if that is not possible. (bpftool crashes when it prints
 * the struct_ops of a module that it has registered.)
 *
 * usage: with_struct_ops OBJECT COMMAND [ARG...]
 */
#include <bpf/libbpf.h>
#include <err.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TROUBLE 125

static int run(char *argv[])
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		err(TROUBLE, "fork");
	if (!pid) {
		execvp(argv[0], argv);
		err(TROUBLE, "%s", argv[0]);
	}
	if (waitpid(pid, &status, 0) < 0)
		err(TROUBLE, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : TROUBLE;
}

int main(int argc, char *argv[])
{
	struct bpf_object *object;
	struct bpf_link *link;
	struct bpf_map *map;
	int status;

	if (argc < 3)
		errx(TROUBLE, "usage: with_struct_ops OBJECT COMMAND [ARG...]");

	object = bpf_object__open(argv[1]);
	if (!object)
		err(TROUBLE, "%s", argv[1]);
	if (bpf_object__load(object))
		err(TROUBLE, "loading %s", argv[1]);

	map = bpf_object__next_map(object, NULL);
	while (map && bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
		map = bpf_object__next_map(object, map);
	if (!map)
		errx(TROUBLE, "%s: has no struct_ops", argv[1]);
	link = bpf_map__attach_struct_ops(map);
	if (!link)
		err(TROUBLE, "registering %s", bpf_map__name(map));

	status = run(argv + 2);

	bpf_link__destroy(link);
	bpf_object__close(object);
	return status;
}
