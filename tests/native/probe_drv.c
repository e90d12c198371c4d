/* A driver that does what it is told: each operation of port_control/3 calls one part of erl_driver.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "erl_driver.h"

typedef struct {
    ErlDrvPort port;
    ErlDrvTermData id;
    int ends[2];
    int writing;
    ErlDrvMonitor monitor;
    char name[64];
} Probe;

static void tell(Probe *p, char *what, long number) {
    ErlDrvTermData spec[] = {ERL_DRV_PORT, p->id, ERL_DRV_ATOM, driver_mk_atom(what),
                             ERL_DRV_INT,  (ErlDrvTermData)number, ERL_DRV_TUPLE, 3};
    erl_drv_output_term(p->id, spec, sizeof(spec) / sizeof(*spec));
}

static ErlDrvData start(ErlDrvPort port, char *command) {
    char *arguments = strchr(command, ' ');
    if (arguments && !strcmp(arguments, " general")) return ERL_DRV_ERROR_GENERAL;
    if (arguments && !strcmp(arguments, " badarg")) return ERL_DRV_ERROR_BADARG;
    if (arguments && !strcmp(arguments, " errno")) {
        errno = EACCES;
        return ERL_DRV_ERROR_ERRNO;
    }
    Probe *p = driver_alloc(sizeof(Probe));
    memset(p, 0, sizeof(Probe));
    p->port = port;
    p->id = driver_mk_port(port);
    p->ends[0] = p->ends[1] = -1;
    snprintf(p->name, sizeof(p->name), "%s", arguments ? arguments + 1 : "");
    return (ErlDrvData)p;
}

static void stop(ErlDrvData data) {
    Probe *p = (Probe *)data;
    if (p->ends[0] >= 0) {
        driver_select(p->port, (ErlDrvEvent)(long)p->ends[0], ERL_DRV_READ | ERL_DRV_USE, 0);
        close(p->ends[1]);
    }
    if (!strcmp(p->name, "until the end")) {
        puts("stopped");
        fflush(stdout);
    }
    driver_free(p);
}

static void stop_select(ErlDrvEvent event, void *reserved) {
    (void)reserved;
    close((int)(long)event);
}

/* Commands come back, in pieces: their size behind them. */
static void outputv(ErlDrvData data, ErlIOVec *ev) {
    Probe *p = (Probe *)data;
    char head[2] = {(char)ev->size, 'v'};
    if (p->writing) {
        driver_enqv(p->port, ev, 0);
        return;
    }
    driver_outputv(p->port, head, 2, ev, 0);
}

static void ready_input(ErlDrvData data, ErlDrvEvent event) {
    Probe *p = (Probe *)data;
    char buffer[64];
    ssize_t n = read((int)(long)event, buffer, sizeof(buffer));
    if (n <= 0) {
        driver_select(p->port, event, ERL_DRV_READ, 0);
        driver_failure_eof(p->port);
        return;
    }
    driver_output2(p->port, "in", 2, buffer, n);
}

static void timeout(ErlDrvData data) { tell((Probe *)data, "timeout", 0); }

static void work(void *at) { *(int *)at *= 2; }

static void ready_async(ErlDrvData data, ErlDrvThreadData at) {
    tell((Probe *)data, "async", *(int *)at);
    driver_free(at);
}

static void process_exit(ErlDrvData data, ErlDrvMonitor *monitor) {
    Probe *p = (Probe *)data;
    ErlDrvTermData pid = driver_get_monitored_process(p->port, monitor);
    ErlDrvTermData spec[] = {ERL_DRV_ATOM, driver_mk_atom("ended"), ERL_DRV_PID, pid, ERL_DRV_INT,
                             (ErlDrvTermData)driver_compare_monitors(monitor, &p->monitor), ERL_DRV_TUPLE, 3};
    erl_drv_output_term(p->id, spec, sizeof(spec) / sizeof(*spec));
}

/* What is queued goes to the owner, ten bytes a turn of the timer. */
static void flush(ErlDrvData data) {
    Probe *p = (Probe *)data;
    driver_deq(p->port, driver_sizeq(p->port));
}

static int all_terms(Probe *p) {
    static ErlDrvSInt64 low = -9000000000000000000LL;
    static ErlDrvUInt64 high = 18000000000000000000ULL;
    static double half = 0.5;
    static char ext[] = {(char)131, 104, 2, 97, 1, 97, 2};
    ErlDrvBinary *binary = driver_alloc_binary(100);
    memset(binary->orig_bytes, 'b', 100);
    ErlDrvTermData spec[] = {
        ERL_DRV_NIL,
        ERL_DRV_ATOM, driver_mk_atom("an atom"),
        ERL_DRV_INT, (ErlDrvTermData)-5,
        ERL_DRV_UINT, (ErlDrvTermData)~0UL,
        ERL_DRV_INT64, (ErlDrvTermData)&low,
        ERL_DRV_UINT64, (ErlDrvTermData)&high,
        ERL_DRV_FLOAT, (ErlDrvTermData)&half,
        ERL_DRV_BINARY, (ErlDrvTermData)binary, 70, 10,
        ERL_DRV_BUF2BINARY, (ErlDrvTermData)"buffer", 6,
        ERL_DRV_STRING, (ErlDrvTermData)"string", 6,
        ERL_DRV_INT, 9, ERL_DRV_STRING_CONS, (ErlDrvTermData)"cons", 4,
        ERL_DRV_EXT2TERM, (ErlDrvTermData)ext, sizeof(ext),
        ERL_DRV_PID, driver_caller(p->port),
        ERL_DRV_INT, 1, ERL_DRV_INT, 2, ERL_DRV_NIL, ERL_DRV_LIST, 3,
        ERL_DRV_ATOM, driver_mk_atom("k"), ERL_DRV_INT, 1, ERL_DRV_MAP, 1,
        ERL_DRV_TUPLE, 0,
        ERL_DRV_TUPLE, 16,
    };
    int sent = erl_drv_send_term(p->id, driver_connected(p->port), spec, sizeof(spec) / sizeof(*spec));
    driver_free_binary(binary);
    return sent;
}

/* Descriptions that are wrong: each has to be refused. */
static int bad_terms(Probe *p) {
    ErlDrvTermData empty[] = {ERL_DRV_NIL, ERL_DRV_NIL};
    ErlDrvTermData short_of[] = {ERL_DRV_INT};
    ErlDrvTermData missing[] = {ERL_DRV_INT, 1, ERL_DRV_TUPLE, 2};
    ErlDrvTermData unknown[] = {77};
    ErlDrvTermData twice[] = {ERL_DRV_INT, 1, ERL_DRV_INT, 2, ERL_DRV_INT, 1, ERL_DRV_INT, 3, ERL_DRV_MAP, 2};
    ErlDrvTermData no_pid[] = {ERL_DRV_PID, p->id};
    return erl_drv_output_term(p->id, empty, 2) + erl_drv_output_term(p->id, short_of, 1) +
           erl_drv_output_term(p->id, missing, 4) + erl_drv_output_term(p->id, unknown, 1) +
           erl_drv_output_term(p->id, twice, 10) + erl_drv_output_term(p->id, no_pid, 2);
}

static ErlDrvSSizeT control(ErlDrvData data, unsigned int op, char *buf, ErlDrvSizeT len, char **rbuf,
                            ErlDrvSizeT rlen) {
    Probe *p = (Probe *)data;
    int *number;
    ErlDrvBinary *binary;
    unsigned long left = 0;
    ErlIOVec ev;
    switch (op) {
    case 0: /* the name */
        return snprintf(*rbuf, rlen, "%s", p->name);
    case 1: /* so many bytes, in a list or a binary */
        set_port_control_flags(p->port, 0);
        *rbuf = driver_alloc(len * 10);
        for (ErlDrvSizeT i = 0; i < len * 10; i++) (*rbuf)[i] = buf[i % len];
        return len * 10;
    case 2:
        set_port_control_flags(p->port, PORT_CONTROL_FLAG_BINARY);
        binary = driver_alloc_binary(len * 10);
        for (ErlDrvSizeT i = 0; i < len * 10; i++) binary->orig_bytes[i] = buf[i % len];
        *rbuf = (char *)binary;
        return 0;
    case 3: /* bytes go to the owner */
        return driver_output(p->port, buf, len);
    case 4: /* a time limit */
        if (driver_set_timer(p->port, 20) || driver_read_timer(p->port, &left)) return -1;
        (*rbuf)[0] = left > 0 && left <= 20;
        return 1;
    case 5:
        driver_set_timer(p->port, 20);
        return driver_cancel_timer(p->port);
    case 6: /* a pipe that is read */
        if (pipe(p->ends)) return -1;
        fcntl(p->ends[0], F_SETFL, O_NONBLOCK);
        return driver_select(p->port, (ErlDrvEvent)(long)p->ends[0], ERL_DRV_READ | ERL_DRV_USE, 1);
    case 7:
        return write(p->ends[1], buf, len) == (ssize_t)len ? 0 : -1;
    case 8:
        close(p->ends[1]);
        return 0;
    case 9: /* work elsewhere */
        number = driver_alloc(sizeof(int));
        *number = buf[0];
        return driver_async(p->port, NULL, work, number, driver_free) < 0 ? -1 : 0;
    case 10: /* a monitor on the caller */
        (*rbuf)[0] = (char)driver_monitor_process(p->port, driver_caller(p->port), &p->monitor);
        return 1;
    case 11:
        (*rbuf)[0] = (char)driver_demonitor_process(p->port, &p->monitor);
        return 1;
    case 12:
        (*rbuf)[0] = (char)all_terms(p);
        return 1;
    case 13:
        (*rbuf)[0] = (char)bad_terms(p);
        return 1;
    case 14: /* the queue */
        driver_enq(p->port, "world", 5);
        driver_pushq(p->port, "hello ", 6);
        driver_deq(p->port, 2);
        driver_peekqv(p->port, &ev);
        (*rbuf)[0] = (char)driver_sizeq(p->port);
        (*rbuf)[1] = (char)ev.vsize;
        left = driver_vec_to_buf(&ev, *rbuf + 2, rlen - 2);
        driver_deq(p->port, driver_sizeq(p->port));
        return 2 + left;
    case 15:
        p->writing = 1;
        return 0;
    case 16: /* ends */
        driver_failure_atom(p->port, "by_driver");
        return 0;
    case 17:
        driver_failure_posix(p->port, EPIPE);
        return 0;
    case 18:
        driver_failure(p->port, 42);
        return 0;
    case 19:
        driver_failure_eof(p->port);
        return 0;
    case 20:
        driver_exit(p->port, 0);
        return 0;
    case 21:
        set_busy_port(p->port, buf[0]);
        return 0;
    case 22:
        return driver_lock_driver(p->port);
    case 23: /* flags, and names of errors */
        return snprintf(*rbuf, rlen, "%d %s %s", get_port_flags(p->port), erl_errno_id(ENOENT), erl_errno_id(EAGAIN));
    case 24: { /* a further port; with one lock for all ports the BEAM waits for itself here */
#ifdef PORT_LOCKING
        Probe *other = driver_alloc(sizeof(Probe));
        *other = *p;
        other->port = driver_create_port(p->port, driver_caller(p->port), "probe_drv", (ErlDrvData)other);
        other->id = driver_mk_port(other->port);
        tell(other, "created", 0);
#else
        tell(p, "created", 0);
#endif
        return 0;
    }
    default:
        return -1;
    }
}

/* The argument, a term in the external format, comes back. */
static ErlDrvSSizeT call(ErlDrvData data, unsigned int op, char *buf, ErlDrvSizeT len, char **rbuf, ErlDrvSizeT rlen,
                         unsigned int *flags) {
    (void)data;
    (void)flags;
    if (op == 99) return -1;
    if (len > rlen) *rbuf = driver_alloc(len);
    memcpy(*rbuf, buf, len);
    return len;
}

static ErlDrvEntry entry = {
    .start = start,
    .stop = stop,
    .ready_input = ready_input,
    .driver_name = "probe_drv",
    .control = control,
    .timeout = timeout,
    .outputv = outputv,
    .ready_async = ready_async,
    .flush = flush,
    .call = call,
    .extended_marker = ERL_DRV_EXTENDED_MARKER,
    .major_version = ERL_DRV_EXTENDED_MAJOR_VERSION,
    .minor_version = ERL_DRV_EXTENDED_MINOR_VERSION,
#ifdef PORT_LOCKING
    .driver_flags = ERL_DRV_FLAG_USE_PORT_LOCKING,
#endif
    .process_exit = process_exit,
    .stop_select = stop_select,
};

DRIVER_INIT(probe_drv) { return &entry; }
