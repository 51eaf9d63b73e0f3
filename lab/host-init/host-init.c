/* host-init: the first process of a lab host.
 *
 * usage: host-init COMMAND [ARGUMENT...]      (standard input = the read end of a pipe that the lab holds)
 *
 * Runs COMMAND, collects every process that ends below it, as init does on a machine, and ends them all as soon as the
 * pipe closes: whatever way the lab ends, its own death by SIGKILL included, no process of a host survives it.
 * It works as process 1 of a pid namespace and, as a "child subreaper", without one. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int wake_pipe[2];

static void on_signal(int number)
{
    char byte = number == SIGCHLD ? 'c' : 't';
    int saved = errno;
    if (write(wake_pipe[1], &byte, 1) < 0) { /* full: a wake-up is pending anyway */ }
    errno = saved;
}

/* The parent of a process, or -1. The name in /proc/PID/stat may hold blanks and brackets, so look behind the last one. */
static pid_t parent_of(const char *pid)
{
    char path[300], text[512], *end;
    int file, parent = -1;
    ssize_t length;
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    if ((file = open(path, O_RDONLY | O_CLOEXEC)) < 0) return -1;
    length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0) return -1;
    text[length] = 0;
    end = strrchr(text, ')');
    if (!end || sscanf(end + 1, " %*c %d", &parent) != 1) return -1;
    return parent;
}

static int signal_children(int number)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    int found = 0;
    if (!processes) return 0;
    while ((entry = readdir(processes))) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
        if (parent_of(entry->d_name) != getpid()) continue;
        found++;
        kill((pid_t)atoi(entry->d_name), number);
    }
    closedir(processes);
    return found;
}

/* Killing a child hands its own children to us: so one at a time, asking again, until none is left. */
static void end_everything(void)
{
    while (signal_children(SIGKILL) > 0) waitpid(-1, NULL, 0);
}

int main(int argc, char **argv)
{
    struct sigaction action;
    struct pollfd watched[2];
    pid_t command;

    if (argc < 2) {
        fprintf(stderr, "usage: host-init COMMAND [ARGUMENT...]\n");
        return 2;
    }
    if (pipe2(wake_pipe, O_CLOEXEC | O_NONBLOCK) || prctl(PR_SET_CHILD_SUBREAPER, 1)) {
        perror("host-init");
        return 1;
    }
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGCHLD, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);

    command = fork();
    if (command < 0) {
        perror("host-init: fork");
        return 1;
    }
    if (command == 0) {
        int nothing = open("/dev/null", O_RDONLY);
        if (nothing >= 0) dup2(nothing, 0);
        setsid();
        execvp(argv[1], argv + 1);
        perror(argv[1]);
        _exit(127);
    }

    watched[0].fd = 0;
    watched[1].fd = wake_pipe[0];
    watched[0].events = watched[1].events = POLLIN;
    for (;;) {
        char bytes[64];
        ssize_t length, i;
        int stop = 0;
        watched[0].revents = watched[1].revents = 0;
        if (poll(watched, 2, -1) < 0 && errno != EINTR) break;
        if (watched[0].revents) {
            length = read(0, bytes, sizeof bytes);
            if (length == 0 || (length < 0 && errno != EINTR && errno != EAGAIN)) break; /* the lab is gone */
        }
        while ((length = read(wake_pipe[0], bytes, sizeof bytes)) > 0)
            for (i = 0; i < length; i++) stop |= bytes[i] == 't';
        if (stop) break;
        while (waitpid(-1, NULL, WNOHANG) > 0) { }
    }
    end_everything();
    return 0;
}
