"""The list: what ordinary programs need to compute, to use their files and to talk over pipes and sockets.

Above: `profile` and `filter_program` write it down for a backend. Refuses to know: how a filter looks.

Left out, so refused with EPERM: namespaces, mounts and chroot, tracing and other processes' memory, io_uring,
BPF and performance counters, keyrings, kernel modules, the clock, swap, reboot, quotas, file handles, userfault,
System V IPC and message queues.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

_FILES = """
    read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek open openat openat2 creat close
    close_range dup dup2 dup3 fcntl flock ioctl pipe pipe2 access faccessat faccessat2 stat lstat fstat newfstatat
    statx statfs fstatfs readlink readlinkat getcwd chdir fchdir getdents getdents64 mkdir mkdirat rmdir rename
    renameat renameat2 link linkat unlink unlinkat symlink symlinkat mknod mknodat truncate ftruncate fallocate
    fadvise64 readahead chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat
    utimensat umask getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr setxattr lsetxattr fsetxattr
    removexattr lremovexattr fremovexattr sync syncfs fsync fdatasync sync_file_range copy_file_range sendfile
    splice tee vmsplice memfd_create cachestat inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
"""
_MEMORY = """
    mmap munmap mremap mprotect madvise brk msync mincore mlock mlock2 munlock mlockall munlockall membarrier mseal
    pkey_alloc pkey_free pkey_mprotect
"""
_PROCESSES = """
    fork vfork execve execveat exit exit_group wait4 waitid kill tkill tgkill pidfd_open pidfd_send_signal prctl
    arch_prctl restart_syscall getpid getppid gettid getpgid getpgrp setpgid getsid setsid set_tid_address
    set_robust_list get_robust_list futex futex_waitv rseq getrlimit setrlimit prlimit64 getrusage times
    getpriority setpriority sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_setparam
    sched_getscheduler sched_setscheduler sched_getattr sched_setattr sched_get_priority_max
    sched_get_priority_min sched_rr_get_interval getcpu ioprio_get ioprio_set
"""
# Without capabilities these change nothing that matters, and programs expect to be allowed to try.
_IDENTITY = """
    getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid setresuid
    setresgid setfsuid setfsgid setgroups capget capset
"""
# A program may only ever take rights from itself with these.
_OWN_CONFINEMENT = "landlock_create_ruleset landlock_add_rule landlock_restrict_self seccomp"
_SIGNALS = """
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo
    rt_tgsigqueueinfo sigaltstack pause alarm signalfd signalfd4
"""
_TIME = """
    time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep getitimer setitimer timer_create
    timer_settime timer_gettime timer_getoverrun timer_delete timerfd_create timerfd_settime timerfd_gettime
"""
_EVENTS = """
    poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd
    eventfd2
"""
_SOCKETS = """
    connect bind listen accept accept4 getsockname getpeername getsockopt setsockopt shutdown sendto recvfrom
    sendmsg recvmsg sendmmsg recvmmsg
"""
_MACHINE = "getrandom uname sysinfo"

_GROUPS = (
    _FILES,
    _MEMORY,
    _PROCESSES,
    _IDENTITY,
    _OWN_CONFINEMENT,
    _SIGNALS,
    _TIME,
    _EVENTS,
    _SOCKETS,
    _MACHINE,
)
ALWAYS = tuple(name for group in _GROUPS for name in group.split())
"""Allowed whatever the arguments."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Allows `call` when its argument number `index`, with `mask` applied, equals `value`."""

    call: str
    index: int
    value: int
    mask: int = 0xFFFFFFFFFFFFFFFF


_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
_PER_LINUX, _PERSONALITY_QUERY = 0, 0xFFFFFFFF
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET

CONDITIONS = (
    *(Condition("socket", 0, family) for family in (_AF_UNIX, _AF_INET, _AF_INET6)),
    Condition("socketpair", 0, _AF_UNIX),
    Condition("clone", 0, 0, mask=_NEW_NAMESPACES),
    *(Condition("personality", 0, persona) for persona in (_PER_LINUX, _PERSONALITY_QUERY)),
)
"""Allowed when one of the conditions for the call holds."""

ABSENT = ("clone3",)
"""Answered as if the kernel lacked them: a filter cannot see clone3's flags, and libc then falls back to clone."""

REFUSED_ERRNO = errno.EPERM
ABSENT_ERRNO = errno.ENOSYS
