// Stands for the interpreter in tests: hands a command line to the server of server.py, which runs it in a fork of a process that
// has imported everything, and ends as that one ends. Whatever the server could not do alike is done by the interpreter itself:
// other options, another user, another namespace, a preloaded library, no server.
//
// What it sends: struct message with the open files as SCM_RIGHTS; then working directory, arguments and environment, each
// with a zero after it. What it gets: the id of the process, then its status as of wait(2), 4 bytes each.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_FILES = 200, SIGNALS = 32, LIMITS = RLIMIT_NLIMITS };
extern char **environ;

struct message {
    uint64_t bytes;                 // of the text that follows
    uint64_t ignored;               // bit n: this process ignores signal n
    uint64_t limits[2 * LIMITS];    // soft and hard
    int32_t arguments, umask, nice; // how many arguments are in the text
    int32_t files, numbers[MOST_FILES];
};

static volatile pid_t served;

static void pass_on(int number) { kill(served, number); }

static void interpret(char **argv) {
    char *python = getenv("WARM_PYTHON_REAL");
    if (python) {
        argv[0] = python;
        execv(python, argv);
    }
    fprintf(stderr, "warm_python: WARM_PYTHON_REAL names no interpreter\n");
    _exit(127);
}

// Whether the server understands the options: -P, -u, then -m, -c or a script.
static int is_plain(int argc, char **argv) {
    int i = 1;
    while (i < argc && (!strcmp(argv[i], "-P") || !strcmp(argv[i], "-u")))
        i++;
    return i < argc && (argv[i][0] != '-' || (i + 1 < argc && (!strcmp(argv[i], "-m") || !strcmp(argv[i], "-c"))));
}

// User and namespaces, as the server wrote them at its start.
static int is_where_the_server_is(void) {
    const char *expected = getenv("WARM_PYTHON_PLACE");
    char place[512];
    int n = snprintf(place, sizeof place, "%d", (int)geteuid());
    const char *names[] = {"mnt", "net", "pid", "user"};
    for (int i = 0; i < 4; i++) {
        char path[64], target[64];
        snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
        ssize_t length = readlink(path, target, sizeof target - 1);
        if (length < 0)
            return 0;
        target[length] = 0;
        n += snprintf(place + n, sizeof place - n, " %s", target);
    }
    return expected && !strcmp(expected, place);
}

static int connect_server(void) {
    const char *path = getenv("WARM_PYTHON_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof address.sun_path)
        return -1;
    strcpy(address.sun_path, path);
    int handle = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (handle >= 0 && connect(handle, (struct sockaddr *)&address, sizeof address)) {
        close(handle);
        return -1;
    }
    return handle;
}

static void describe(struct message *message, int connection) {
    for (int n = 1; n < SIGNALS; n++) {
        struct sigaction action;
        if (!sigaction(n, NULL, &action) && action.sa_handler == SIG_IGN)
            message->ignored |= 1ull << n;
    }
    for (int n = 0; n < LIMITS; n++) {
        struct rlimit limit = {0, 0};
        getrlimit(n, &limit);
        message->limits[2 * n] = limit.rlim_cur;
        message->limits[2 * n + 1] = limit.rlim_max;
    }
    mode_t mask = umask(0);
    umask(mask);
    message->umask = mask;
    message->nice = getpriority(PRIO_PROCESS, 0);
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder));) {
        int number = atoi(entry->d_name);
        if (entry->d_name[0] == '.' || number == dirfd(folder) || number == connection)
            continue;
        if (message->files < MOST_FILES)
            message->numbers[message->files] = number;
        message->files++;
    }
    closedir(folder);
}

static int send_all(int handle, const void *data, size_t size) {
    for (const char *at = data; size;) {
        ssize_t sent = send(handle, at, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return -1;
        at += sent;
        size -= sent;
    }
    return 0;
}

static int read_number(int handle, int32_t *number) {
    for (size_t got = 0; got < sizeof *number;) {
        ssize_t more = read(handle, (char *)number + got, sizeof *number - got);
        if (more < 0 && errno == EINTR)
            continue;
        if (more <= 0)
            return -1;
        got += more;
    }
    return 0;
}

static int send_message(int handle, struct message *message) {
    char control[CMSG_SPACE(sizeof(int) * MOST_FILES)] = {0};
    struct iovec whole = {message, sizeof *message};
    struct msghdr header = {.msg_iov = &whole, .msg_iovlen = 1};
    if (message->files) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * message->files);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int) * message->files);
        memcpy(CMSG_DATA(rights), message->numbers, sizeof(int) * message->files);
    }
    return sendmsg(handle, &header, MSG_NOSIGNAL) == sizeof *message ? 0 : -1;
}

static char *append(char *end, const char *text) { return stpcpy(end, text) + 1; }

int main(int argc, char **argv) {
    char folder[PATH_MAX];
    if (!is_plain(argc, argv) || getenv("LD_PRELOAD") || !is_where_the_server_is() || !getcwd(folder, sizeof folder))
        interpret(argv);
    int connection = connect_server();
    if (connection < 0)
        interpret(argv);
    struct message message = {.arguments = argc - 1};
    describe(&message, connection);
    if (message.files > MOST_FILES)
        interpret(argv);

    // The text.
    size_t size = strlen(folder) + 1;
    for (int i = 1; i < argc; i++)
        size += strlen(argv[i]) + 1;
    for (char **variable = environ; *variable; variable++)
        size += strlen(*variable) + 1;
    char *text = malloc(size), *end = append(text, folder);
    for (int i = 1; i < argc; i++)
        end = append(end, argv[i]);
    for (char **variable = environ; *variable; variable++)
        end = append(end, *variable);
    message.bytes = size;

    // A signal that comes from here on waits until there is a process to pass it on to.
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    int32_t number = 0;
    if (send_message(connection, &message) || send_all(connection, text, size) || read_number(connection, &number)) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        interpret(argv);
    }
    served = number;
    for (int i = 0; i < message.files; i++)
        close(message.numbers[i]); // who waits for a pipe's end waits for the served process
    int passed[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT};
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        if (!(message.ignored >> passed[i] & 1))
            signal(passed[i], pass_on);
    sigprocmask(SIG_SETMASK, &before, NULL);

    // Its end is the end of this one.
    if (read_number(connection, &number))
        _exit(125);
    if (WIFSIGNALED(number)) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(WTERMSIG(number), SIG_DFL);
        raise(WTERMSIG(number));
        _exit(128 + WTERMSIG(number));
    }
    _exit(WEXITSTATUS(number));
}
