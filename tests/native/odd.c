/* Calls the functions of erl_nif.h at random with odd arguments, for tests/native/odd.exs: every term is one that there is, and every
 * array as long as it says, but nothing else fits. Run under memcheck it must find no error. */
#include <erl_nif.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define POOL 64

static ErlNifResourceType *things;
static void gone(ErlNifEnv *env, void *object) { memset(object, 0, enif_sizeof_resource(object)); }
static void down(ErlNifEnv *env, void *object, ErlNifPid *pid, ErlNifMonitor *monitor) { enif_self(env, pid); }
static void stop(ErlNifEnv *env, void *object, ErlNifEvent event, int direct) { close(event); }
static void call(ErlNifEnv *env, void *object, void *data) { ++*(int *) data; }

static int load(ErlNifEnv *env, void **priv, ERL_NIF_TERM info)
{
    ErlNifResourceTypeInit init = { gone, stop, down, 4, call };
    things = enif_init_resource_type(env, "things", &init, ERL_NIF_RT_CREATE | ERL_NIF_RT_TAKEOVER, NULL);
    return things == NULL;
}

static unsigned long state;
static unsigned pick(unsigned below)
{
    state = state * 6364136223846793005UL + 1442695040888963407UL;
    return (unsigned) (state >> 33) % below;
}
static const long NUMBERS[] = { 0, 1, -1, 2, 7, 63, 64, 65, 255, 256, 1000, INT_MAX, INT_MIN, UINT_MAX, LONG_MAX, LONG_MIN };
static long number(void) { return NUMBERS[pick(sizeof NUMBERS / sizeof *NUMBERS)]; }
static unsigned size(void) { static const unsigned sizes[] = { 0, 1, 2, 63, 64, 65, 300, 5000 }; return sizes[pick(8)]; }

static ERL_NIF_TERM schedule_next(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) { return argv[pick(argc)]; }

static ERL_NIF_TERM odd(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    ERL_NIF_TERM pool[POOL], list = argv[2], t, u, v, head, tail;
    unsigned n = 0, steps, chars;
    char text[300];
    int i, other; long l; unsigned long ul; ErlNifSInt64 i64; ErlNifUInt64 u64; double d; size_t many;
    const ERL_NIF_TERM *elements;
    ErlNifBinary bin, grown;
    ErlNifPid pid; ErlNifPort port; ErlNifMonitor monitor; ErlNifMapIterator at;
    ErlNifEnv *own;
    ErlNifIOVec *vec; ErlNifIOQueue *queue;
    void *object;
    if (!enif_get_ulong(env, argv[0], &state) || !enif_get_uint(env, argv[1], &steps)) return enif_make_badarg(env);
    while (n < POOL / 2 && enif_get_list_cell(env, list, &head, &list)) pool[n++] = head;
#define ANY pool[pick(n)]
#define PUT(made) do { ERL_NIF_TERM put = (made); if (!enif_is_exception(env, put)) pool[n < POOL ? n++ : pick(POOL)] = put; } while (0)
#define PUT_IF(condition, made) do { if (condition) PUT(made); } while (0)
    while (steps--) {
        t = ANY; u = ANY; v = ANY;
        switch (pick(62)) {
        case 0: enif_is_atom(env, t); enif_is_binary(env, t); enif_is_ref(env, t); enif_is_fun(env, t); break;
        case 1: enif_is_pid(env, t); enif_is_port(env, t); enif_is_list(env, t); enif_is_tuple(env, t); enif_is_map(env, t); break;
        case 2: enif_is_number(env, t); enif_is_empty_list(env, t); enif_term_type(env, t); break;
        case 3: enif_compare(t, u); enif_is_identical(t, u); break;
        case 4: enif_hash(pick(2) + 1, t, number()); break;
        case 5: enif_get_int(env, t, &i); enif_get_uint(env, t, &chars); enif_get_long(env, t, &l); enif_get_ulong(env, t, &ul); break;
        case 6: enif_get_int64(env, t, &i64); enif_get_uint64(env, t, &u64); enif_get_double(env, t, &d); break;
        case 7: PUT(enif_make_int(env, (int) number())); PUT(enif_make_uint(env, (unsigned) number())); break;
        case 8: PUT(enif_make_long(env, number())); PUT(enif_make_ulong(env, number())); break;
        case 9: PUT(enif_make_double(env, (double) number() / 3)); break;
        case 10: enif_get_atom(env, t, text, pick(sizeof text), ERL_NIF_LATIN1); break;
        case 11: enif_get_atom_length(env, t, &chars, ERL_NIF_LATIN1); break;
        case 12: memset(text, 'a' + pick(20), sizeof text); PUT(enif_make_atom_len(env, text, pick(200))); break;
        case 13: memset(text, 'a' + pick(20), sizeof text); PUT_IF(enif_make_existing_atom_len(env, text, pick(300), &u, ERL_NIF_LATIN1), u); break;
        case 14: PUT_IF(enif_get_list_cell(env, t, &head, &tail), pick(2) ? head : tail); break;
        case 15: enif_get_list_length(env, t, &chars); break;
        case 16: PUT(enif_make_list_cell(env, t, u)); break;
        case 17: PUT(enif_make_list_from_array(env, pool, pick(n))); break;
        case 18: PUT_IF(enif_make_reverse_list(env, t, &u), u); break;
        case 19: memset(text, pick(256), sizeof text); PUT(enif_make_string_len(env, text, pick(sizeof text), ERL_NIF_LATIN1)); break;
        case 20: enif_get_string(env, t, text, pick(sizeof text), ERL_NIF_LATIN1); break;
        case 21: if (enif_get_tuple(env, t, &i, &elements) && i > 0) PUT(elements[pick(i)]); break;
        case 22: PUT(enif_make_tuple_from_array(env, pool, pick(n))); break;
        case 23: PUT(enif_make_tuple(env, 3, t, u, v)); PUT(enif_make_list(env, 2, t, u)); break;
        case 24: PUT(enif_make_copy(env, t)); break;
        case 25: PUT(enif_make_ref(env)); break;
        case 26: PUT(enif_make_new_map(env)); break;
        case 27: PUT_IF(enif_make_map_put(env, t, u, v, &head), head); break;
        case 28: PUT_IF(enif_make_map_update(env, t, u, v, &head), head); break;
        case 29: PUT_IF(enif_make_map_remove(env, t, u, &head), head); break;
        case 30: PUT_IF(enif_get_map_value(env, t, u, &head), head); enif_get_map_size(env, t, &many); break;
        case 31: many = pick(n / 2 + 1); PUT_IF(enif_make_map_from_arrays(env, pool, pool + n / 2, many, &head), head); break;
        case 32:
            if (enif_map_iterator_create(env, t, &at, pick(2) ? ERL_NIF_MAP_ITERATOR_FIRST : ERL_NIF_MAP_ITERATOR_LAST)) {
                for (i = pick(200); i > 0; i--) {
                    if (pick(2)) enif_map_iterator_next(env, &at); else enif_map_iterator_prev(env, &at);
                    enif_map_iterator_is_head(env, &at); enif_map_iterator_is_tail(env, &at);
                    if (pick(9) == 0) PUT_IF(enif_map_iterator_get_pair(env, &at, &head, &tail), tail);
                }
                enif_map_iterator_destroy(env, &at);
            }
            break;
        case 33: if (enif_inspect_binary(env, t, &bin)) { for (many = 0; many < bin.size; many++) state += bin.data[many]; } break;
        case 34: if (enif_inspect_iolist_as_binary(env, t, &bin)) { for (many = 0; many < bin.size; many++) state += bin.data[many]; } break;
        case 35: if (enif_alloc_binary(size(), &bin)) { memset(bin.data, 1, bin.size); PUT(enif_make_binary(env, &bin)); } break;
        case 36: if (enif_alloc_binary(size(), &bin)) { memset(bin.data, 2, bin.size); enif_release_binary(&bin); } break;
        case 37:
            if (enif_inspect_binary(env, t, &bin)) {
                grown = bin;
                many = size();
                if (enif_realloc_binary(&grown, many)) {
                    memset(grown.data, 3, many);
                    if (enif_realloc_binary(&grown, size())) { memset(grown.data, 4, grown.size); PUT(enif_make_binary(env, &grown)); }
                    else enif_release_binary(&grown);
                }
            }
            break;
        case 38: many = size(); { unsigned char *p = enif_make_new_binary(env, many, &head); memset(p, 5, many); PUT(head); } break;
        case 39: if (enif_inspect_binary(env, t, &bin)) { many = pick(bin.size + 1); PUT(enif_make_sub_binary(env, t, many, pick(bin.size - many + 1))); } break;
        case 40: if (enif_term_to_binary(env, t, &bin)) { PUT_IF(enif_binary_to_term(env, bin.data, bin.size, &head, 0), head); enif_release_binary(&bin); } break;
        case 41: if (enif_inspect_binary(env, t, &bin)) enif_binary_to_term(env, bin.data, pick(bin.size + 1), &head, pick(2) ? 0 : ERL_NIF_BIN2TERM_SAFE); break;
        case 42: object = enif_alloc_resource(things, size()); memset(object, 6, enif_sizeof_resource(object)); PUT(enif_make_resource(env, object)); enif_release_resource(object); break;
        case 43: if (enif_get_resource(env, t, things, &object)) { enif_keep_resource(object); PUT(enif_make_resource(env, object)); enif_release_resource(object); } break;
        case 44: if (enif_get_resource(env, t, things, &object)) PUT(enif_make_resource_binary(env, object, object, enif_sizeof_resource(object))); break;
        case 45: if (enif_get_resource(env, t, things, &object) && enif_get_local_pid(env, u, &pid) && enif_monitor_process(env, object, &pid, &monitor) == 0) { if (pick(2)) enif_demonitor_process(env, object, &monitor); PUT(enif_make_monitor_term(env, &monitor)); } break;
        case 46: other = 0; enif_dynamic_resource_call(env, t, u, v, &other); break;
        case 47: enif_get_local_pid(env, t, &pid); enif_get_local_port(env, t, &port); break;
        case 48: if (enif_get_local_pid(env, t, &pid)) { enif_is_process_alive(env, &pid); enif_send(env, &pid, NULL, u); } break;
        case 49: own = enif_alloc_env(); if (enif_get_local_pid(env, t, &pid)) enif_send(env, &pid, own, enif_make_copy(own, u)); if (pick(2)) enif_clear_env(own); enif_free_env(own); break;
        case 50: if (enif_get_local_port(env, t, &port)) { enif_is_port_alive(env, &port); enif_port_command(env, &port, NULL, u); } break;
        case 51: enif_whereis_pid(env, t, &pid); enif_whereis_port(env, t, &port); break;
        case 52: enif_set_pid_undefined(&pid); enif_is_pid_undefined(&pid); enif_send(env, &pid, NULL, t); break;
        case 53: enif_snprintf(text, pick(sizeof text) + 1, "%*.*f %T %s %-5ld|%c%%%x %T", pick(9), pick(5), 1.5, t, "s", number(), 'x', 77, u); break;
        case 54: PUT(enif_now_time(env)); PUT(enif_make_unique_integer(env, pick(4))); enif_convert_time_unit(number(), pick(4), pick(4)); break;
        case 55:
            vec = NULL;
            if (enif_inspect_iovec(pick(2) ? env : NULL, pick(40), t, &head, &vec)) {
                PUT(head);
                queue = enif_ioq_create(ERL_NIF_IOQ_NORMAL);
                enif_ioq_enqv(queue, vec, pick(vec->size + 2));
                enif_free_iovec(vec);
                enif_alloc_binary(size(), &bin); memset(bin.data, 7, bin.size);
                if (!enif_ioq_enq_binary(queue, &bin, pick(bin.size + 2))) enif_release_binary(&bin);
                PUT_IF(enif_ioq_peek_head(env, queue, &many, &head), head);
                { SysIOVec *parts = enif_ioq_peek(queue, &i); for (other = 0; other < i; other++) if (parts[other].iov_len) state += *(char *) parts[other].iov_base; }
                enif_ioq_deq(queue, pick(enif_ioq_size(queue) + 2), &many);
                enif_ioq_destroy(queue);
            }
            break;
        case 56: enif_consume_timeslice(env, (int) number()); enif_thread_type(); enif_is_current_process_alive(env); break;
        case 57: if (enif_get_resource(env, t, things, &object)) { enif_select(env, -1, ERL_NIF_SELECT_READ, object, NULL, u); enif_select(env, 900, ERL_NIF_SELECT_READ | ERL_NIF_SELECT_CANCEL, object, NULL, u); } break;
        case 58:
            if (enif_get_resource(env, t, things, &object)) {
                int ends[2];
                if (pipe(ends)) break;
                enif_select(env, ends[0], ERL_NIF_SELECT_READ, object, NULL, u);
                if (pick(2)) state += write(ends[1], "x", 1);
                if (pick(2)) enif_select(env, ends[0], ERL_NIF_SELECT_READ | ERL_NIF_SELECT_CANCEL, object, NULL, u);
                close(ends[1]);
                enif_select(env, ends[0], ERL_NIF_SELECT_STOP, object, NULL, u);
            }
            break;
        case 59: own = enif_alloc_env(); for (i = pick(20); i > 0; i--) t = enif_make_tuple(own, 2, enif_make_copy(own, u), enif_make_copy(own, v)); PUT(enif_make_copy(env, i ? t : u)); enif_free_env(own); break;
        case 60: PUT(enif_make_string(env, "", ERL_NIF_LATIN1)); PUT(enif_make_atom(env, "")); break;
        case 61: if (pick(40) == 0) { ERL_NIF_TERM args[2] = { t, u }; return enif_schedule_nif(env, "next", pick(3), schedule_next, 2, args); } break;
        }
    }
    if (pick(9) == 0) return enif_raise_exception(env, ANY);
    return enif_make_list_from_array(env, pool, n);
}

static ErlNifFunc functions[] = {
    { "odd", 3, odd }, { "odd_cpu", 3, odd, ERL_NIF_DIRTY_JOB_CPU_BOUND }, { "odd_io", 3, odd, ERL_NIF_DIRTY_JOB_IO_BOUND },
};

ERL_NIF_INIT(Elixir.Odd, functions, load, NULL, NULL, NULL)
