// A disk that fails and a clock that jumps, for the real binary: preloaded into it (LD_PRELOAD),
// this module stands between the program with its libraries and libc. What it does is said by a
// page of memory shared with the simulation (WEIR_FAULTY_FILES=path; tests/sim/faulty_files.py
// writes it): rules about calls on chosen paths, and an offset of the wall clock. Without the page
// it does nothing.
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>

#include "faulty_clock.h"
#include "faulty_page.h"

namespace faulty {

Page* page = nullptr;

namespace {

enum Operation : uint32_t {
  operation_open = 1,
  operation_read = 2,
  operation_write = 4,
  operation_sync = 8,
  operation_rename = 16,
  operation_unlink = 32,
  operation_resize = 64,
  operation_mkdir = 128,
  operation_lock = 256,
  operation_stat = 512,
};

enum Action : int32_t {
  action_count = 0,  // nothing but counting
  action_fail = 1,
  action_short = 2,  // a part is read or written, and said so
  action_torn = 3,   // a part is written, then the call fails
  action_kill = 4,   // a part is written, then the process dies
};

uint64_t mix(uint64_t value) {  // splitmix64
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

bool strikes(Rule& rule, uint64_t number) {
  if (rule.action == action_count || number < rule.skip) return false;
  const auto index = static_cast<uint64_t>(&rule - page->rules);
  if (mix(page->seed ^ mix(index << 48 | number)) % 1'000'000 >= rule.per_million) return false;
  uint64_t before = rule.struck.load();
  do {
    if (rule.limit != 0 && before >= rule.limit) return false;
  } while (!rule.struck.compare_exchange_weak(before, before + 1));
  return true;
}

// The rule that strikes this call, or null. Counts it for every rule that knows its path.
Rule* judge(Operation operation, const char* path, const char* second_path = nullptr) {
  Rule* striking = nullptr;
  for (Rule& rule : page->rules) {
    if (rule.armed.load(std::memory_order_acquire) == 0 || (rule.operations & operation) == 0)
      continue;
    const bool known = fnmatch(rule.path, path, 0) == 0 ||
                       (second_path != nullptr && fnmatch(rule.path, second_path, 0) == 0);
    if (known && strikes(rule, rule.matched.fetch_add(1)) && striking == nullptr) striking = &rule;
  }
  return striking;
}

bool any_rule(Operation operation) {
  if (page == nullptr) return false;
  return std::any_of(page->rules, page->rules + most_rules, [&](const Rule& rule) {
    return rule.armed.load(std::memory_order_acquire) != 0 && (rule.operations & operation) != 0;
  });
}

// The path behind a descriptor, as the kernel knows it now.
bool path_of(int descriptor, char (&path)[PATH_MAX]) {
  char link[64];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const int saved = errno;
  const ssize_t size = readlink(link, path, sizeof path - 1);
  errno = saved;
  if (size <= 0 || path[0] != '/') return false;
  path[size] = '\0';
  return true;
}

// The full spelling of a name that may be relative to a folder.
void absolute(int folder, const char* name, char (&path)[PATH_MAX]) {
  char base[PATH_MAX] = "";
  if (name[0] != '/') {
    if (folder == AT_FDCWD) {
      if (getcwd(base, sizeof base) == nullptr) base[0] = '\0';
    } else if (!path_of(folder, base)) {
      base[0] = '\0';
    }
  }
  std::snprintf(path, sizeof path, "%.2000s%s%.2000s", base, base[0] != '\0' ? "/" : "", name);
}

[[noreturn]] void die() {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

// Locks may be refused; giving one back always works.
bool takes_lock(int command, const void* argument) {
  switch (command) {
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_SETLK:
    case F_OFD_SETLKW: return static_cast<const struct flock*>(argument)->l_type != F_UNLCK;
    default: return false;
  }
}

// -1 with the rule's error when the call is struck, 0 when it may go on.
int refuse(const Rule* rule) {
  if (rule == nullptr) return 0;
  if (rule->action == action_kill) die();
  errno = rule->error;
  return -1;
}

int refuse_name(Operation operation, int folder, const char* name) {
  if (!any_rule(operation)) return 0;
  char path[PATH_MAX];
  absolute(folder, name, path);
  return refuse(judge(operation, path));
}

int refuse_descriptor(Operation operation, int descriptor) {
  char path[PATH_MAX];
  if (!any_rule(operation) || !path_of(descriptor, path)) return 0;
  return refuse(judge(operation, path));
}

void account(Operation operation, const char* path, ssize_t size, uint64_t end) {
  if (size <= 0) return;
  for (Rule& rule : page->rules) {
    if (rule.armed.load(std::memory_order_acquire) == 0 || (rule.operations & operation) == 0)
      continue;
    if (fnmatch(rule.path, path, 0) != 0) continue;
    rule.bytes += static_cast<uint64_t>(size);
    uint64_t before = rule.end.load();
    while (before < end && !rule.end.compare_exchange_weak(before, end)) {
    }
  }
}

// Reads and writes: `call(size)` does the real thing on the first `size` bytes.
template <class Call>
ssize_t transfer(Operation operation, int descriptor, size_t size, off_t offset, const Call& call) {
  char path[PATH_MAX];
  if (!any_rule(operation) || !path_of(descriptor, path)) return call(size);
  const Rule* rule = judge(operation, path);
  if (rule != nullptr && rule->action == action_fail) return refuse(rule);
  const ssize_t done = call(rule != nullptr && size > 1 ? size / 2 : size);
  if (rule == nullptr || rule->action == action_short) {
    const int saved = errno;
    const off_t end = offset >= 0 ? offset + done : lseek(descriptor, 0, SEEK_CUR);
    account(operation, path, done, end > 0 ? static_cast<uint64_t>(end) : 0);
    errno = saved;
    return done;
  }
  return refuse(rule);
}

__attribute__((constructor)) void attach() {
  const char* path = getenv("WEIR_FAULTY_FILES");
  if (path == nullptr) return;
  const int file = open(path, O_RDWR | O_CLOEXEC);
  void* mapped = file < 0
                     ? MAP_FAILED
                     : mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED || static_cast<Page*>(mapped)->magic != page_magic ||
      static_cast<Page*>(mapped)->layout != page_layout) {
    std::fprintf(stderr, "WEIR_FAULTY_FILES=%s is no page of faults\n", path);
    abort();
  }
  close(file);
  page = static_cast<Page*>(mapped);
  ++page->processes;
  start_clock_watch();
}

mode_t mode_argument(int flags, va_list arguments) {
  const bool creates = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return creates ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

}  // namespace
}  // namespace faulty

using namespace faulty;

// What libc calls them; the 64-bit names are the same functions on this machine.

extern "C" {

#define OPEN_LIKE(function)                                          \
  int function(const char* name, int flags, ...) {                   \
    NEXT(function);                                                  \
    va_list arguments;                                               \
    va_start(arguments, flags);                                      \
    const mode_t mode = mode_argument(flags, arguments);             \
    va_end(arguments);                                               \
    if (refuse_name(operation_open, AT_FDCWD, name) != 0) return -1; \
    return real(name, flags, mode);                                  \
  }
#define OPENAT_LIKE(function)                                      \
  int function(int folder, const char* name, int flags, ...) {     \
    NEXT(function);                                                \
    va_list arguments;                                             \
    va_start(arguments, flags);                                    \
    const mode_t mode = mode_argument(flags, arguments);           \
    va_end(arguments);                                             \
    if (refuse_name(operation_open, folder, name) != 0) return -1; \
    return real(folder, name, flags, mode);                        \
  }
OPEN_LIKE(open)
OPEN_LIKE(open64)
OPENAT_LIKE(openat)
OPENAT_LIKE(openat64)

#define PWRITE_LIKE(function)                                                            \
  ssize_t function(int descriptor, const void* bytes, size_t size, off_t offset) {       \
    NEXT(function);                                                                      \
    return transfer(operation_write, descriptor, size, offset,                           \
                    [&](size_t part) { return real(descriptor, bytes, part, offset); }); \
  }
#define PREAD_LIKE(function)                                                             \
  ssize_t function(int descriptor, void* bytes, size_t size, off_t offset) {             \
    NEXT(function);                                                                      \
    return transfer(operation_read, descriptor, size, offset,                            \
                    [&](size_t part) { return real(descriptor, bytes, part, offset); }); \
  }
PWRITE_LIKE(pwrite)
PWRITE_LIKE(pwrite64)
PREAD_LIKE(pread)
PREAD_LIKE(pread64)

ssize_t write(int descriptor, const void* bytes, size_t size) {
  NEXT(write);
  return transfer(operation_write, descriptor, size, -1,
                  [&](size_t part) { return real(descriptor, bytes, part); });
}

ssize_t writev(int descriptor, const iovec* parts, int count) {
  NEXT(writev);
  // Struck as a whole: a list of one part or none is its only half.
  return transfer(operation_write, descriptor, static_cast<size_t>(count), -1,
                  [&](size_t part) { return real(descriptor, parts, static_cast<int>(part)); });
}

ssize_t read(int descriptor, void* bytes, size_t size) {
  NEXT(read);
  if (!is_timer(descriptor)) {
    return transfer(operation_read, descriptor, size, -1,
                    [&](size_t part) { return real(descriptor, bytes, part); });
  }
  const ssize_t done = real(descriptor, bytes, size);
  if (!was_cancelled(descriptor)) return done;
  errno = ECANCELED;
  return -1;
}

int close(int descriptor) {
  NEXT(close);
  forget_timer(descriptor);
  return real(descriptor);
}

int fsync(int descriptor) {
  NEXT(fsync);
  return refuse_descriptor(operation_sync, descriptor) != 0 ? -1 : real(descriptor);
}

int fdatasync(int descriptor) {
  NEXT(fdatasync);
  return refuse_descriptor(operation_sync, descriptor) != 0 ? -1 : real(descriptor);
}

#define RESIZE_LIKE(function)                                                                  \
  int function(int descriptor, off_t size) noexcept {                                          \
    NEXT(function);                                                                            \
    return refuse_descriptor(operation_resize, descriptor) != 0 ? -1 : real(descriptor, size); \
  }
RESIZE_LIKE(ftruncate)
RESIZE_LIKE(ftruncate64)

int fallocate(int descriptor, int mode, off_t offset, off_t size) {
  NEXT(fallocate);
  if (refuse_descriptor(operation_resize, descriptor) != 0) return -1;
  return real(descriptor, mode, offset, size);
}

#define PREALLOCATE_LIKE(function)                                          \
  int function(int descriptor, off_t offset, off_t size) {                  \
    NEXT(function);                                                         \
    if (refuse_descriptor(operation_resize, descriptor) != 0) return errno; \
    return real(descriptor, offset, size);                                  \
  }
PREALLOCATE_LIKE(posix_fallocate)
PREALLOCATE_LIKE(posix_fallocate64)

int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  NEXT(renameat);
  if (any_rule(operation_rename)) {
    char from_path[PATH_MAX], to_path[PATH_MAX];
    absolute(from_folder, from, from_path);
    absolute(to_folder, to, to_path);
    if (refuse(judge(operation_rename, from_path, to_path)) != 0) return -1;
  }
  return real(from_folder, from, to_folder, to);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned flags) noexcept {
  NEXT(renameat2);
  if (any_rule(operation_rename)) {
    char from_path[PATH_MAX], to_path[PATH_MAX];
    absolute(from_folder, from, from_path);
    absolute(to_folder, to, to_path);
    if (refuse(judge(operation_rename, from_path, to_path)) != 0) return -1;
  }
  return real(from_folder, from, to_folder, to, flags);
}

int rename(const char* from, const char* to) noexcept {
  return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlink(const char* name) noexcept {
  NEXT(unlink);
  return refuse_name(operation_unlink, AT_FDCWD, name) != 0 ? -1 : real(name);
}

int unlinkat(int folder, const char* name, int flags) noexcept {
  NEXT(unlinkat);
  return refuse_name(operation_unlink, folder, name) != 0 ? -1 : real(folder, name, flags);
}

int mkdir(const char* name, mode_t mode) noexcept {
  NEXT(mkdir);
  return refuse_name(operation_mkdir, AT_FDCWD, name) != 0 ? -1 : real(name, mode);
}

int mkdirat(int folder, const char* name, mode_t mode) noexcept {
  NEXT(mkdirat);
  return refuse_name(operation_mkdir, folder, name) != 0 ? -1 : real(folder, name, mode);
}

#define STAT_LIKE(function)                                          \
  int function(const char* name, struct stat* status) noexcept {     \
    NEXT(function);                                                  \
    if (refuse_name(operation_stat, AT_FDCWD, name) != 0) return -1; \
    return real(name, status);                                       \
  }
STAT_LIKE(stat)
STAT_LIKE(lstat)

int fstatat(int folder, const char* name, struct stat* status, int flags) noexcept {
  NEXT(fstatat);
  return refuse_name(operation_stat, folder, name) != 0 ? -1 : real(folder, name, status, flags);
}

int fstat(int descriptor, struct stat* status) noexcept {
  NEXT(fstat);
  return refuse_descriptor(operation_stat, descriptor) != 0 ? -1 : real(descriptor, status);
}

#define FCNTL_LIKE(function)                                                                   \
  int function(int descriptor, int command, ...) {                                             \
    NEXT(function);                                                                            \
    va_list arguments;                                                                         \
    va_start(arguments, command);                                                              \
    void* argument = va_arg(arguments, void*);                                                 \
    va_end(arguments);                                                                         \
    if (takes_lock(command, argument) && refuse_descriptor(operation_lock, descriptor) != 0) { \
      return -1;                                                                               \
    }                                                                                          \
    return real(descriptor, command, argument);                                                \
  }
FCNTL_LIKE(fcntl)
FCNTL_LIKE(fcntl64)

}  // extern "C"
