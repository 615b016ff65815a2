/* A disk that is watched, and that can be made ill: for LD_PRELOAD.

   What a process does with the files below the folder DISK_ROOT goes into the file DISK_LOG, in the one order in which it happened, whichever
   process or thread did it: a record is a header, the file's name, and the bytes. What a process maps (`-shm`) is no matter of the disk.

   The file DISK_FAULT, when it is there, holds one line "KINDS NAME ACTION FIRST COUNT EVERY": from the FIRST call on of one of KINDS (r, w, s, t)
   for a file whose name ends with NAME ("*": any), COUNT calls go wrong, and again COUNT every EVERY calls (0: once). ACTION is an errno, or
   "short" (half of the bytes are written), or "slow:MS". Calls are counted by each process anew whenever the file is a new one. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MOST_FILES 4096
#define REAL(type, name, ...) static type (*real_##name)(__VA_ARGS__)

REAL(int, open, const char *, int, ...);
REAL(int, close, int);
REAL(ssize_t, read, int, void *, size_t);
REAL(ssize_t, pread, int, void *, size_t, off_t);
REAL(ssize_t, write, int, const void *, size_t);
REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
REAL(int, ftruncate, int, off_t);
REAL(int, fsync, int);
REAL(int, fdatasync, int);
REAL(int, rename, const char *, const char *);
REAL(int, unlink, const char *);
REAL(int, mkdir, const char *, mode_t);

struct record {
  uint32_t kind, process, failed, name_length;
  uint64_t offset, length;
};

static char *names[MOST_FILES];
static const char *root, *fault_file;
static size_t root_length;
static int log_file = -1;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER, counting = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
  if (real_open) return; /* a call came before */
#define FIND(name) real_##name = dlsym(RTLD_NEXT, #name)
  FIND(close), FIND(read), FIND(pread), FIND(write), FIND(pwrite), FIND(ftruncate), FIND(fsync), FIND(fdatasync);
  FIND(rename), FIND(unlink), FIND(mkdir), FIND(open);
  root = getenv("DISK_ROOT"), fault_file = getenv("DISK_FAULT");
  root_length = root ? strlen(root) : 0;
  const char *log = getenv("DISK_LOG");
  int file = log ? real_open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
  if (file >= 0) log_file = fcntl(file, F_DUPFD_CLOEXEC, 900), real_close(file);
}

/* The name below the root, or NULL for what is elsewhere and for what is only mapped. */
static const char *below(const char *path) {
  size_t length = path ? strlen(path) : 0;
  if (!root || length < root_length || strncmp(path, root, root_length) || (path[root_length] && path[root_length] != '/')) return NULL;
  if (length > 4 && !strcmp(path + length - 4, "-shm")) return NULL;
  return path[root_length] ? path + root_length + 1 : path + root_length;
}

/* The same for a path that a call was given: that of its folder is looked up. */
static const char *called(const char *path, char *absolute) {
  char folder[4096], link[64];
  const char *slash = strrchr(path, '/');
  snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
  int directory = real_open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return NULL;
  snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
  ssize_t length = readlink(link, absolute, 2048);
  real_close(directory);
  if (length < 0) return NULL;
  snprintf(absolute + length, 2048, "/%s", slash ? slash + 1 : path);
  return below(absolute);
}

static const char *name_of(int file) { return file >= 0 && file < MOST_FILES ? names[file] : NULL; }

static void lock(void) {
  pthread_mutex_lock(&one_at_a_time);
  if (log_file >= 0) flock(log_file, LOCK_EX);
}

static void unlock(void) {
  int error = errno;
  if (log_file >= 0) flock(log_file, LOCK_UN);
  pthread_mutex_unlock(&one_at_a_time);
  errno = error;
}

/* To be called under the lock, after what it tells of. */
static void tell(char kind, const char *name, int failed, uint64_t offset, uint64_t length, const void *bytes) {
  int error = errno;
  if (log_file >= 0) {
    struct record head = {kind, getpid(), failed, strlen(name), offset, length};
    size_t size = sizeof head + head.name_length + (bytes ? length : 0);
    char *text = malloc(size);
    memcpy(text, &head, sizeof head);
    memcpy(text + sizeof head, name, head.name_length);
    if (bytes) memcpy(text + sizeof head + head.name_length, bytes, length);
    if (real_write(log_file, text, size) != (ssize_t)size) abort();
    free(text);
  }
  errno = error;
}

enum { WELL = 0, SHORT = -1 };

/* What is to become of this call: WELL, SHORT, or an errno. A slow disk is waited for here. */
static int fault(char kind, const char *name) {
  static struct stat known;
  static char kinds[16], ending[256], action[32];
  static long first, count, every, seen;
  struct stat now;
  if (!fault_file || !name) return WELL;
  pthread_mutex_lock(&counting);
  int ill = 0;
  if (stat(fault_file, &now)) {
    memset(&known, 0, sizeof known);
  } else {
    if (now.st_ino != known.st_ino || now.st_mtim.tv_nsec != known.st_mtim.tv_nsec || now.st_mtim.tv_sec != known.st_mtim.tv_sec) {
      char line[512] = "";
      int file = real_open(fault_file, O_RDONLY | O_CLOEXEC);
      if (file >= 0) ill = real_read(file, line, sizeof line - 1) > 0, real_close(file);
      if (sscanf(line, "%15s %255s %31s %ld %ld %ld", kinds, ending, action, &first, &count, &every) != 6) abort();
      known = now, seen = 0;
    }
    size_t length = strlen(name), end = strlen(ending);
    ill = strchr(kinds, kind) && (!strcmp(ending, "*") || (length >= end && !strcmp(name + length - end, ending)));
    long since = ill ? ++seen - first : -1;
    ill = since >= 0 && (every ? since % every : since) < count;
  }
  pthread_mutex_unlock(&counting);
  if (!ill) return WELL;
  if (!strcmp(action, "short")) return SHORT;
  if (!strncmp(action, "slow:", 5)) {
    long ms = atol(action + 5);
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
    return WELL;
  }
  return atoi(action);
}

static int opened(const char *path, int flags, mode_t mode) {
  begin();
  char absolute[4096], link[64];
  lock();
  const char *made = (flags & O_CREAT) && log_file >= 0 && access(path, F_OK) ? called(path, absolute) : NULL;
  int file = real_open(path, flags, mode);
  if (file >= 0 && file < MOST_FILES && root) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    char real[4096];
    ssize_t length = readlink(link, real, sizeof real - 1);
    real[length > 0 ? length : 0] = 0;
    free(names[file]);
    names[file] = below(real) ? strdup(below(real)) : NULL;
    if (made) tell('c', made, 0, 0, 0, NULL);
    if (names[file] && !made && (flags & O_TRUNC)) tell('t', names[file], 0, 0, 0, NULL);
  }
  unlock();
  return file;
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opened(path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int close(int file) {
  begin();
  if (!name_of(file)) return real_close(file);
  lock();
  free(names[file]);
  names[file] = NULL;
  int result = real_close(file);
  unlock();
  return result;
}

#define REFUSED(kind, file)                              \
  int ill = fault(kind, name_of(file));                  \
  if (ill > 0) {                                         \
    errno = ill;                                         \
    return -1;                                           \
  }

ssize_t read(int file, void *bytes, size_t length) {
  begin();
  REFUSED('r', file)
  return real_read(file, bytes, length);
}

ssize_t pread(int file, void *bytes, size_t length, off_t offset) {
  begin();
  REFUSED('r', file)
  return real_pread(file, bytes, length, offset);
}

ssize_t pread64(int file, void *bytes, size_t length, off_t offset) __attribute__((alias("pread")));

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) {
  begin();
  if (!name_of(file)) return real_pwrite(file, bytes, length, offset);
  REFUSED('w', file)
  if (ill == SHORT && length > 1) length /= 2;
  lock();
  ssize_t done = real_pwrite(file, bytes, length, offset);
  if (done > 0) tell('w', names[file], 0, offset, done, bytes);
  unlock();
  return done;
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off_t offset) __attribute__((alias("pwrite")));

ssize_t write(int file, const void *bytes, size_t length) {
  begin();
  if (!name_of(file)) return real_write(file, bytes, length);
  REFUSED('w', file)
  if (ill == SHORT && length > 1) length /= 2;
  lock();
  ssize_t done = real_write(file, bytes, length);
  if (done > 0) tell('w', names[file], 0, lseek(file, 0, SEEK_CUR) - done, done, bytes);
  unlock();
  return done;
}

int ftruncate(int file, off_t size) {
  begin();
  if (!name_of(file)) return real_ftruncate(file, size);
  REFUSED('t', file)
  lock();
  int result = real_ftruncate(file, size);
  if (!result) tell('t', names[file], 0, size, 0, NULL);
  unlock();
  return result;
}

int ftruncate64(int file, off_t size) __attribute__((alias("ftruncate")));

static int synced(int file, int (*real)(int)) {
  if (!name_of(file)) return real(file);
  struct stat about; /* SQLite does not look at what becomes of a folder's sync */
  int ill = fstat(file, &about) || S_ISDIR(about.st_mode) ? WELL : fault('s', name_of(file));
  lock();
  int result = ill > 0 ? -1 : real(file);
  tell('s', names[file], result, 0, 0, NULL);
  unlock();
  if (ill > 0) errno = ill;
  return result;
}

int fsync(int file) {
  begin();
  return synced(file, real_fsync);
}

int fdatasync(int file) {
  begin();
  return synced(file, real_fdatasync);
}

int rename(const char *from, const char *to) {
  begin();
  char source[4096], target[4096];
  lock();
  const char *old = called(from, source), *name = called(to, target);
  int result = real_rename(from, to);
  if (!result && old && name) {
    tell('m', old, 0, 0, strlen(name), name);
  }
  unlock();
  return result;
}

int unlink(const char *path) {
  begin();
  char absolute[4096];
  lock();
  const char *name = called(path, absolute);
  int result = real_unlink(path);
  if (!result && name) tell('u', name, 0, 0, 0, NULL);
  unlock();
  return result;
}

int mkdir(const char *path, mode_t mode) {
  begin();
  char absolute[4096];
  lock();
  const char *name = called(path, absolute);
  int result = real_mkdir(path, mode);
  if (!result && name) tell('d', name, 0, 0, 0, NULL);
  unlock();
  return result;
}
