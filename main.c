/* SPDX-License-Identifier: ISC */
/*
 * main.c: the process around a node: its descriptors, signals and arguments,
 * and what else the program can be started for.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "chat.h"
#include "ctl.h"
#include "doctor.h"
#include "inspect.h"

enum { SEND_TRIES = 20 /* of opening a database that others open, too */ };

static int signal_pipe[2] = { -1, -1 };

static void on_signal(int number)
{
	int error = errno;
	uint8_t byte = (uint8_t)number;

	(void)!write(signal_pipe[1], &byte, 1); /* full: it is read soon */
	errno = error;
}

/*
 * Descriptors 0 to 2 are there, so that no file of ours becomes one.  What is
 * written to standard output where there was none fails: true.
 */
static bool open_standard(void)
{
	bool mute = false;

	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		mute = mute || fd == STDOUT_FILENO;
		(void)!open("/dev/null", /* the first that is free: fd */
			(fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	}
	return mute;
}

/* A chat without standard output is a peer all the same. */
static void open_mute(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!dup2(fd, STDOUT_FILENO); /* or it is told later */
	if (fd > STDERR_FILENO)
		(void)close(fd); /* its copy stays */
}

static int catch_signals(void)
{
	static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT,
		SIGWINCH };
	struct sigaction action = { .sa_handler = on_signal,
		.sa_flags = SA_RESTART };
	struct sigaction before;

	if (pipe(signal_pipe) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		if (fcntl(signal_pipe[i], F_SETFL, O_NONBLOCK) < 0 ||
			fcntl(signal_pipe[i], F_SETFD, FD_CLOEXEC) < 0)
			return -1;
	}
	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++) {
		if (sigaction(caught[i], NULL, &before) < 0)
			return -1;
		if (before.sa_handler == SIG_IGN)
			continue; /* nohup, or a shell without job control */
		if (sigaction(caught[i], &action, NULL) < 0)
			return -1;
	}
	action.sa_handler = SIG_IGN;
	if (sigaction(SIGPIPE, &action, NULL) < 0 ||
		sigaction(SIGXFSZ, &action, NULL) < 0)
		return -1;
	return 0;
}

/* A whole chat.  What the process is to exit with. */
static int run(struct options *options)
{
	struct chat *chat;
	struct loop loop;
	int status;

	if (signal_pipe[0] < 0 && catch_signals() < 0) {
		perror("error> signals");
		return EX_OSERR;
	}
	options->signal_fd = signal_pipe[0];
	chat = chat_open(options, &status);
	while (chat != NULL && !chat_is_done(chat, &status)) {
		loop_begin(&loop, chat_clock_ms());
		chat_want(chat, &loop);
		loop_wait(&loop);
		chat_run(chat, &loop);
	}
	chat_close(chat);
	return status;
}

/*
 * --send: by the chat that has the database open, or by one of our own; again
 * where somebody else was faster to open it.
 */
static int run_send(struct options *options)
{
	int status = EX_TEMPFAIL;

	for (int i = 0; i < SEND_TRIES && status == EX_TEMPFAIL; i++) {
		status = ctl_send(options);
		if (status != CTL_NOBODY)
			return status;
		options->patient = i < SEND_TRIES - 1;
		status = run(options);
	}
	return status;
}

int main(int argc, char **argv)
{
	const char *type = getenv("TERM");
	bool mute = open_standard();
	struct options options;
	int status;

	options_default(&options);
	status = options_parse(&options, argc, argv);
	if (status != OPTIONS_GO_ON)
		return status;
	if (options.command == COMMAND_LOG)
		return inspect_log(&options);
	if (options.command == COMMAND_DOCTOR)
		return doctor_run(&options);
	if (options.command == COMMAND_CHECK)
		return inspect_check(&options);
	if (mute)
		open_mute();
	options.plain = type == NULL || strcmp(type, "dumb") == 0;
	options.answers = true;
	return options.command == COMMAND_SEND ? run_send(&options)
					       : run(&options);
}
