"""What a worker may still do once it has started: compute, and talk over descriptors that it has."""
import ctypes
import errno
import sys

ALLOW, REFUSE, ABSENT = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
CLONE_THREAD = 0x00010000
MASKED_EQUAL = 7

# Everything that is not named is refused: no file is opened, no socket made, no program or process started, nobody
# else's memory, clock, rights or limits touched. Descriptors arrive by recvmsg only.
CALLS = (
    # bytes over what is open
    "read", "readv", "pread64", "preadv", "write", "writev", "recvmsg", "recvfrom", "sendmsg", "sendto", "close", "fstat",
    "newfstatat", "lseek", "fcntl", "poll", "ppoll", "select", "pselect6", "shutdown", "dup",
    # memory
    "brk", "mmap", "munmap", "mprotect", "mremap", "madvise", "membarrier", "mincore",
    # threads
    "futex", "futex_waitv", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "sched_getparam",
    "sched_getscheduler", "gettid", "getpid", "getppid", "exit", "exit_group", "restart_syscall", "arch_prctl", "getcpu",
    "set_tid_address",
    # time
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
    # signals to itself
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "tgkill",
    # what it is
    "getrandom", "getuid", "geteuid", "getgid", "getegid", "getrusage", "sysinfo", "uname", "getrlimit", "getcwd",
    "get_mempolicy")


class Comparison(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("datum_a", ctypes.c_uint64), ("datum_b", ctypes.c_uint64)]


def close_the_door():
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(REFUSE)))
    library.seccomp_attr_set(context, 4, ctypes.c_uint32(1))  # SCMP_FLTATR_CTL_TSYNC: threads that run too

    def rule(action, name, *comparisons):
        number = library.seccomp_syscall_resolve_name(name.encode())
        array = (Comparison * max(1, len(comparisons)))(*comparisons)
        if number < 0:  # not a call of this machine: nothing to allow
            return
        if library.seccomp_rule_add_array(context, ctypes.c_uint32(action), number, len(comparisons), array) != 0:
            sys.exit("seccomp: no rule for " + name)

    for name in CALLS:
        rule(ALLOW, name)
    rule(ALLOW, "clone", Comparison(0, MASKED_EQUAL, CLONE_THREAD, CLONE_THREAD))
    rule(ABSENT, "clone3")  # its flags cannot be seen: the C library goes back to clone
    if library.seccomp_load(context) != 0:
        sys.exit("seccomp: the filter was not taken")
