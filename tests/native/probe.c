/* A library of natives that uses what erl_nif.h has, for tests/native/nif.exs. Built twice: VERSION 1 and 2. */
#include <erl_nif.h>
#include <string.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION 1
#endif
#define ARGS ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]

static ErlNifResourceType *boxes;
static ErlNifPid keeper;
static int has_keeper;

struct box {
    int number;
    int descriptors[2];
    ErlNifMonitor monitor;
    char bytes[100];
};

struct data {
    int loads;
    ErlNifMutex *mutex;
};

static ERL_NIF_TERM atom(ErlNifEnv *env, const char *name) { return enif_make_atom(env, name); }

/* Tells the keeper `{Event, Number}` from wherever this runs. */
static void tell(const char *event, int number)
{
    ErlNifEnv *env;
    if (!has_keeper) return;
    env = enif_alloc_env();
    enif_send(NULL, &keeper, env, enif_make_tuple2(env, atom(env, event), enif_make_int(env, number)));
    enif_free_env(env);
}

static void box_gone(ErlNifEnv *env, void *object) { tell("gone", ((struct box *) object)->number); }
static void box_down(ErlNifEnv *env, void *object, ErlNifPid *pid, ErlNifMonitor *monitor)
{
    struct box *box = object;
    tell(enif_compare_monitors(&box->monitor, monitor) == 0 ? "down" : "other_down", box->number);
}
static void box_stop(ErlNifEnv *env, void *object, ErlNifEvent event, int direct)
{
    close(event);
    tell("stopped", ((struct box *) object)->number);
}
static void box_call(ErlNifEnv *env, void *object, void *data) { *(int *) data += ((struct box *) object)->number; }

static int open_types(ErlNifEnv *env)
{
    ErlNifResourceTypeInit init = { box_gone, box_stop, box_down, 4, box_call };
    ErlNifResourceFlags tried;
    boxes = enif_init_resource_type(env, "boxes", &init, ERL_NIF_RT_CREATE | ERL_NIF_RT_TAKEOVER, &tried);
    return boxes ? 0 : 1;
}

static int load(ErlNifEnv *env, void **priv, ERL_NIF_TERM info)
{
    struct data *data;
    int veto;
    if (enif_get_int(env, info, &veto) && veto) return veto;
    data = enif_alloc(sizeof *data);
    data->loads = 1;
    data->mutex = enif_mutex_create("probe");
    *priv = data;
    return open_types(env);
}
static int upgrade(ErlNifEnv *env, void **priv, void **old, ERL_NIF_TERM info)
{
    struct data *data = *old;
    data->loads++;
    *priv = data;
    return open_types(env);
}
static void unload(ErlNifEnv *env, void *priv) { tell("unload", VERSION); }

static ERL_NIF_TERM version(ARGS)
{
    struct data *data = enif_priv_data(env);
    return enif_make_tuple2(env, enif_make_int(env, VERSION), enif_make_int(env, data->loads));
}
static ERL_NIF_TERM keep(ARGS) { has_keeper = 1; enif_self(env, &keeper); return atom(env, "ok"); }

/* All that can be asked of a term. */
static ERL_NIF_TERM describe(ARGS)
{
    ERL_NIF_TERM t = argv[0], list = enif_make_list(env, 0), head, tail;
    const ERL_NIF_TERM *elements;
    int i, arity; unsigned u; long l; unsigned long ul; double d; size_t size; char text[64];
    ErlNifSInt64 i64; ErlNifUInt64 u64; ErlNifBinary bin; ErlNifPid pid; ErlNifPort port;
#define NOTE(name, value) list = enif_make_list_cell(env, enif_make_tuple2(env, atom(env, name), value), list)
    NOTE("type", enif_make_int(env, enif_term_type(env, t)));
    NOTE("is", enif_make_list(env, 11,
        enif_make_int(env, enif_is_atom(env, t)), enif_make_int(env, enif_is_binary(env, t)),
        enif_make_int(env, enif_is_empty_list(env, t)), enif_make_int(env, enif_is_fun(env, t)),
        enif_make_int(env, enif_is_list(env, t)), enif_make_int(env, enif_is_map(env, t)),
        enif_make_int(env, enif_is_number(env, t)), enif_make_int(env, enif_is_pid(env, t)),
        enif_make_int(env, enif_is_port(env, t)), enif_make_int(env, enif_is_ref(env, t)),
        enif_make_int(env, enif_is_tuple(env, t))));
    if (enif_get_int(env, t, &i)) NOTE("int", enif_make_int(env, i));
    if (enif_get_uint(env, t, &u)) NOTE("uint", enif_make_uint(env, u));
    if (enif_get_long(env, t, &l)) NOTE("long", enif_make_long(env, l));
    if (enif_get_ulong(env, t, &ul)) NOTE("ulong", enif_make_ulong(env, ul));
    if (enif_get_int64(env, t, &i64)) NOTE("int64", enif_make_int64(env, i64));
    if (enif_get_uint64(env, t, &u64)) NOTE("uint64", enif_make_uint64(env, u64));
    if (enif_get_double(env, t, &d)) NOTE("double", enif_make_double(env, d));
    if (enif_get_atom_length(env, t, &u, ERL_NIF_LATIN1)) NOTE("atom_length", enif_make_uint(env, u));
    if ((i = enif_get_atom(env, t, text, sizeof text, ERL_NIF_LATIN1))) NOTE("atom", enif_make_string(env, text, ERL_NIF_LATIN1));
    if (enif_get_list_length(env, t, &u)) NOTE("length", enif_make_uint(env, u));
    if (enif_get_list_cell(env, t, &head, &tail)) NOTE("cell", enif_make_list_cell(env, head, tail));
    if ((i = enif_get_string(env, t, text, 5, ERL_NIF_LATIN1))) {
        NOTE("string", enif_make_string(env, text, ERL_NIF_LATIN1));
        NOTE("string_bytes", enif_make_int(env, i));
    }
    if (enif_make_reverse_list(env, t, &head)) NOTE("reverse", head);
    if (enif_get_tuple(env, t, &arity, &elements)) NOTE("tuple", enif_make_list_from_array(env, elements, arity));
    if (enif_get_map_size(env, t, &size)) NOTE("map_size", enif_make_ulong(env, size));
    if (enif_inspect_binary(env, t, &bin)) NOTE("binary", enif_make_binary(env, &bin));
    if (enif_inspect_iolist_as_binary(env, t, &bin)) NOTE("iolist", enif_make_binary(env, &bin));
    if (enif_get_local_pid(env, t, &pid)) NOTE("alive", enif_make_int(env, enif_is_process_alive(env, &pid)));
    if (enif_get_local_port(env, t, &port)) NOTE("open", enif_make_int(env, enif_is_port_alive(env, &port)));
    NOTE("phash2", enif_make_uint64(env, enif_hash(ERL_NIF_PHASH2, t, 0)));
    if (enif_term_to_binary(env, t, &bin)) {
        NOTE("back", enif_make_uint64(env, enif_binary_to_term(env, bin.data, bin.size, &tail, 0)));
        NOTE("same", enif_make_int(env, enif_is_identical(t, tail)));
        NOTE("external", enif_make_binary(env, &bin));
    }
    enif_snprintf(text, sizeof text, "%5d|%-4s|%T|%lu", 42, "ab", enif_make_int(env, 7), 12345678901UL);
    NOTE("text", enif_make_string(env, text, ERL_NIF_LATIN1));
    return list;
}

static ERL_NIF_TERM compare(ARGS)
{
    int order = enif_compare(argv[0], argv[1]);
    return enif_make_tuple2(env, enif_make_int(env, (order > 0) - (order < 0)), enif_make_int(env, enif_is_identical(argv[0], argv[1])));
}

/* {Forwards, Backwards, Put, Updated, Removed, Value} of a map */
static ERL_NIF_TERM map(ARGS)
{
    ErlNifMapIterator at;
    ERL_NIF_TERM k, v, forth = enif_make_list(env, 0), back = forth, put, update, removed, none = atom(env, "none");
    if (!enif_map_iterator_create(env, argv[0], &at, ERL_NIF_MAP_ITERATOR_FIRST)) return enif_make_badarg(env);
    while (enif_map_iterator_get_pair(env, &at, &k, &v)) {
        forth = enif_make_list_cell(env, enif_make_tuple2(env, k, v), forth);
        enif_map_iterator_next(env, &at);
    }
    if (!enif_map_iterator_is_tail(env, &at)) return none;
    enif_map_iterator_destroy(env, &at);
    enif_map_iterator_create(env, argv[0], &at, ERL_NIF_MAP_ITERATOR_LAST);
    while (enif_map_iterator_get_pair(env, &at, &k, &v)) {
        back = enif_make_list_cell(env, enif_make_tuple2(env, k, v), back);
        enif_map_iterator_prev(env, &at);
    }
    if (!enif_map_iterator_is_head(env, &at)) return none;
    enif_map_iterator_destroy(env, &at);
    if (!enif_make_map_put(env, argv[0], argv[1], argv[2], &put)) put = none;
    if (!enif_make_map_update(env, argv[0], argv[1], argv[2], &update)) update = none;
    if (!enif_make_map_remove(env, argv[0], argv[1], &removed)) removed = none;
    if (!enif_get_map_value(env, argv[0], argv[1], &v)) v = none;
    return enif_make_tuple6(env, forth, back, put, update, removed, v);
}
static ERL_NIF_TERM map_of(ARGS)
{
    ERL_NIF_TERM keys[3] = { argv[0], argv[1], argv[2] }, values[3] = { argv[0], argv[1], argv[2] }, made;
    return enif_make_map_from_arrays(env, keys, values, 3, &made) ? made : atom(env, "duplicate");
}

static ERL_NIF_TERM raise(ARGS)
{
    ERL_NIF_TERM reason;
    enif_raise_exception(env, argv[0]);
    return enif_has_pending_exception(env, &reason) ? reason : atom(env, "no");
}
static ERL_NIF_TERM badarg(ARGS) { return enif_make_badarg(env); }
static ERL_NIF_TERM infinite(ARGS) { return enif_make_double(env, 1.0 / (argc - 1)); }
static ERL_NIF_TERM new_atom(ARGS)
{
    char name[300];
    unsigned n;
    if (!enif_get_uint(env, argv[0], &n) || n > 299) return enif_make_badarg(env);
    memset(name, 'a', n);
    return enif_make_atom_len(env, name, n);
}
static ERL_NIF_TERM existing(ARGS)
{
    char name[64];
    ERL_NIF_TERM found;
    if (!enif_get_string(env, argv[0], name, sizeof name, ERL_NIF_LATIN1)) return enif_make_badarg(env);
    return enif_make_existing_atom(env, name, &found, ERL_NIF_LATIN1) ? found : atom(env, "none");
}

/* A binary grown by halves, a part of it, and what shares a buffer. */
static ERL_NIF_TERM grow(ARGS)
{
    ErlNifBinary bin, whole;
    ERL_NIF_TERM made, other;
    unsigned n;
    if (!enif_inspect_binary(env, argv[0], &bin) || !enif_get_uint(env, argv[1], &n)) return enif_make_badarg(env);
    whole = bin;
    if (!enif_realloc_binary(&whole, bin.size + n)) return enif_make_badarg(env);
    memset(whole.data + bin.size, '.', n);
    made = enif_make_binary(env, &whole);
    memcpy(enif_make_new_binary(env, bin.size, &other), bin.data, bin.size);
    return enif_make_tuple3(env, made, enif_make_sub_binary(env, made, bin.size / 2, n), other);
}

/* ---- resources */

static ERL_NIF_TERM box(ARGS)
{
    ERL_NIF_TERM made;
    struct box *box = enif_alloc_resource(boxes, sizeof *box);
    memset(box, 0, sizeof *box);
    enif_get_int(env, argv[0], &box->number);
    memset(box->bytes, 'b', sizeof box->bytes);
    made = enif_make_resource(env, box);
    enif_release_resource(box);
    return made;
}
static ERL_NIF_TERM unbox(ARGS)
{
    struct box *box;
    if (!enif_get_resource(env, argv[0], boxes, (void **) &box)) return enif_make_badarg(env);
    return enif_make_tuple2(env, enif_make_int(env, box->number), enif_make_int(env, enif_sizeof_resource(box) == sizeof *box));
}
static ERL_NIF_TERM box_bytes(ARGS)
{
    struct box *box;
    if (!enif_get_resource(env, argv[0], boxes, (void **) &box)) return enif_make_badarg(env);
    return enif_make_resource_binary(env, box, box->bytes, sizeof box->bytes);
}
static ERL_NIF_TERM watch(ARGS)
{
    struct box *box;
    ErlNifPid pid;
    if (!enif_get_resource(env, argv[0], boxes, (void **) &box) || !enif_get_local_pid(env, argv[1], &pid)) return enif_make_badarg(env);
    return enif_make_int(env, enif_monitor_process(env, box, &pid, &box->monitor));
}
static ERL_NIF_TERM unwatch(ARGS)
{
    struct box *box;
    if (!enif_get_resource(env, argv[0], boxes, (void **) &box)) return enif_make_badarg(env);
    return enif_make_int(env, enif_demonitor_process(env, box, &box->monitor));
}
static ERL_NIF_TERM dynamic(ARGS)
{
    int sum = 100;
    int answer = enif_dynamic_resource_call(env, argv[0], argv[1], argv[2], &sum);
    return enif_make_tuple2(env, enif_make_int(env, answer != 0), enif_make_int(env, sum));
}
static ERL_NIF_TERM pipe_open(ARGS)
{
    struct box *box;
    if (!enif_get_resource(env, argv[0], boxes, (void **) &box) || pipe(box->descriptors)) return enif_make_badarg(env);
    return enif_make_int(env, enif_select(env, box->descriptors[0], ERL_NIF_SELECT_READ, box, NULL, argv[1]));
}
static ERL_NIF_TERM pipe_write(ARGS)
{
    struct box *box;
    if (!enif_get_resource(env, argv[0], boxes, (void **) &box)) return enif_make_badarg(env);
    return enif_make_int(env, (int) write(box->descriptors[1], "x", 1));
}
static ERL_NIF_TERM pipe_read(ARGS)
{
    struct box *box;
    char c = 0;
    if (!enif_get_resource(env, argv[0], boxes, (void **) &box)) return enif_make_badarg(env);
    return enif_make_tuple2(env, enif_make_int(env, (int) read(box->descriptors[0], &c, 1)), enif_make_int(env, c));
}
static ERL_NIF_TERM pipe_cancel(ARGS)
{
    struct box *box;
    int asked, first, second;
    if (!enif_get_resource(env, argv[0], boxes, (void **) &box)) return enif_make_badarg(env);
    asked = enif_select(env, box->descriptors[0], ERL_NIF_SELECT_READ, box, NULL, argv[1]);
    first = enif_select(env, box->descriptors[0], ERL_NIF_SELECT_READ | ERL_NIF_SELECT_CANCEL, box, NULL, argv[1]);
    second = enif_select(env, box->descriptors[0], ERL_NIF_SELECT_READ | ERL_NIF_SELECT_CANCEL, box, NULL, argv[1]);
    return enif_make_list3(env, enif_make_int(env, asked), enif_make_int(env, first), enif_make_int(env, second));
}
static ERL_NIF_TERM pipe_stop(ARGS)
{
    struct box *box;
    int answer;
    if (!enif_get_resource(env, argv[0], boxes, (void **) &box)) return enif_make_badarg(env);
    close(box->descriptors[1]);
    answer = enif_select(env, box->descriptors[0], ERL_NIF_SELECT_STOP, box, NULL, argv[0]);
    return enif_make_int(env, (answer & (ERL_NIF_SELECT_STOP_CALLED | ERL_NIF_SELECT_STOP_SCHEDULED)) != 0);
}

/* ---- going on elsewhere */

static ERL_NIF_TERM count_down(ARGS)
{
    int n;
    ERL_NIF_TERM next[2];
    if (!enif_get_int(env, argv[0], &n)) return enif_make_badarg(env);
    if (n == 0) return argv[1];
    next[0] = enif_make_int(env, n - 1);
    next[1] = enif_make_list_cell(env, argv[0], argv[1]);
    enif_consume_timeslice(env, 30);
    return enif_schedule_nif(env, "count_down", n % 3 == 1 ? ERL_NIF_DIRTY_JOB_CPU_BOUND : n % 3 == 2 ? ERL_NIF_DIRTY_JOB_IO_BOUND : 0, count_down, 2, next);
}
static ERL_NIF_TERM thread(ARGS) { return enif_make_int(env, enif_thread_type()); }
static ERL_NIF_TERM sleep_dirty(ARGS)
{
    usleep(100000);
    return enif_make_tuple2(env, argv[0], enif_make_int(env, enif_is_current_process_alive(env)));
}

/* ---- messages */

static void *sender(void *arg)
{
    ErlNifEnv *env = arg;
    for (int i = 0; i < 100; i++) {
        enif_send(NULL, &keeper, env, enif_make_tuple2(env, atom(env, "from_thread"), enif_make_int(env, i)));
        enif_clear_env(env);
    }
    return env;
}
static ERL_NIF_TERM from_thread(ARGS)
{
    ErlNifTid thread;
    void *result;
    ErlNifEnv *own = enif_alloc_env();
    if (enif_thread_create("sender", &thread, sender, own, NULL)) return enif_make_badarg(env);
    enif_thread_join(thread, &result);
    enif_free_env(result);
    return atom(env, "joined");
}
static ERL_NIF_TERM send(ARGS)
{
    ErlNifPid to;
    ErlNifEnv *own = enif_alloc_env();
    int sent;
    if (!enif_get_local_pid(env, argv[0], &to)) { enif_free_env(own); return enif_make_badarg(env); }
    sent = enif_send(env, &to, own, enif_make_copy(own, argv[1]));
    enif_free_env(own);
    return enif_make_int(env, sent + 2 * enif_send(env, &to, NULL, argv[1]));
}

/* ---- queues of bytes */

static ERL_NIF_TERM queue(ARGS)
{
    ErlNifIOQueue *q = enif_ioq_create(ERL_NIF_IOQ_NORMAL);
    ErlNifIOVec vec, *iovec = &vec;
    ErlNifBinary bin, all;
    SysIOVec *parts;
    ERL_NIF_TERM tail, head, result;
    size_t size, left;
    int n;
    unsigned skip;
    if (!enif_get_uint(env, argv[1], &skip) || !enif_inspect_iovec(env, 64, argv[0], &tail, &iovec) || !enif_ioq_enqv(q, iovec, skip)) {
        enif_ioq_destroy(q);
        return enif_make_badarg(env);
    }
    enif_alloc_binary(3, &bin);
    memcpy(bin.data, "end", 3);
    enif_ioq_enq_binary(q, &bin, 1);
    size = enif_ioq_size(q);
    parts = enif_ioq_peek(q, &n);
    enif_alloc_binary(size, &all);
    for (size_t at = 0; n > 0; at += parts->iov_len, parts++, n--) memcpy(all.data + at, parts->iov_base, parts->iov_len);
    if (!enif_ioq_peek_head(env, q, &left, &head)) head = atom(env, "empty");
    enif_ioq_deq(q, size / 2, &left);
    result = enif_make_tuple5(env, enif_make_ulong(env, size), enif_make_binary(env, &all), head, enif_make_ulong(env, left), tail);
    enif_ioq_destroy(q);
    return result;
}

/* {Monotonic differs little, Units, Unique} */
static ERL_NIF_TERM times(ARGS)
{
    ErlNifTime a = enif_monotonic_time(ERL_NIF_NSEC), b = enif_monotonic_time(ERL_NIF_NSEC);
    return enif_make_tuple4(env, enif_make_int(env, b >= a),
        enif_make_int64(env, enif_convert_time_unit(-1500, ERL_NIF_MSEC, ERL_NIF_SEC)),
        enif_now_time(env), enif_make_unique_integer(env, ERL_NIF_UNIQUE_POSITIVE | ERL_NIF_UNIQUE_MONOTONIC));
}

static ErlNifFunc functions[] = {
    { "version", 0, version }, { "keep", 0, keep }, { "describe", 1, describe }, { "compare", 2, compare },
    { "map", 3, map }, { "map_of", 3, map_of }, { "raise_it", 1, raise }, { "badarg", 2, badarg }, { "infinite", 1, infinite },
    { "new_atom", 1, new_atom }, { "existing", 1, existing }, { "grow", 2, grow }, { "box", 1, box }, { "unbox", 1, unbox },
    { "box_bytes", 1, box_bytes }, { "watch", 2, watch }, { "unwatch", 1, unwatch }, { "dynamic", 3, dynamic },
    { "pipe_open", 2, pipe_open }, { "pipe_write", 1, pipe_write }, { "pipe_read", 1, pipe_read },
    { "pipe_cancel", 2, pipe_cancel }, { "pipe_stop", 1, pipe_stop }, { "count_down", 2, count_down },
    { "thread", 0, thread }, { "thread_cpu", 0, thread, ERL_NIF_DIRTY_JOB_CPU_BOUND },
    { "thread_io", 0, thread, ERL_NIF_DIRTY_JOB_IO_BOUND }, { "sleep_dirty", 1, sleep_dirty, ERL_NIF_DIRTY_JOB_IO_BOUND },
    { "from_thread", 0, from_thread }, { "send_it", 2, send }, { "queue", 2, queue }, { "times", 0, times },
};

ERL_NIF_INIT(Elixir.Probe, functions, load, NULL, upgrade, unload)
