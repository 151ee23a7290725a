/* SPDX-License-Identifier: ISC */
/*
 * replay.c: a main for fuzz targets where there is no libFuzzer.  Runs each
 * file, and each file in each directory, that is named on the command line.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static unsigned replayed;

static void replay_file(const char *path, FILE *file)
{
	static uint8_t buffer[1 << 20];
	size_t size = fread(buffer, 1, sizeof(buffer), file);
	uint8_t *bytes = malloc(size > 0 ? size : 1);

	/* An exact copy, so that reading too far is found. */
	if (bytes == NULL || ferror(file)) {
		perror(path);
		exit(1);
	}
	memcpy(bytes, buffer, size);
	(void)LLVMFuzzerTestOneInput(bytes, size); /* it aborts or is fine */
	free(bytes);
	replayed++;
}

static void replay_path(const char *path)
{
	FILE *file = fopen(path, "rb");

	if (file == NULL) {
		perror(path);
		exit(1);
	}
	replay_file(path, file);
	(void)fclose(file); /* it was only read */
}

static void replay_directory(const char *path, DIR *directory)
{
	char inner[4096];
	struct dirent *entry;

	while ((entry = readdir(directory)) != NULL) {
		int size = snprintf(
			inner, sizeof(inner), "%s/%s", path, entry->d_name);

		if (entry->d_name[0] != '.' && size > 0 &&
			(size_t)size < sizeof(inner))
			replay_path(inner);
	}
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		DIR *directory = opendir(argv[i]);

		if (directory == NULL) {
			replay_path(argv[i]);
			continue;
		}
		replay_directory(argv[i], directory);
		(void)closedir(directory); /* it was only read */
	}
	printf("%u inputs replayed\n", replayed);
	return replayed == 0;
}
