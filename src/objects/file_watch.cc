#include "objects/file_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <unordered_set>

#include "base/log.h"
#include "io/descriptor.h"
#include "io/system_error.h"
#include "objects/file_writers.h"
#include "objects/folder_watches.h"

namespace weir::objects {
namespace {

constexpr size_t buffer_bytes = 64 << 10;
constexpr int most_reads_per_batch = 16;
constexpr int lost_root_retry_ms = 1000;

/// Keys in order, each once.
class KeyBatch {
 public:
  void add(const std::string& key) {
    if (seen_.insert(key).second) keys_.emplace_back(key);
  }
  bool contains(const std::string& key) const { return seen_.contains(key); }
  const std::vector<ObjectKey>& keys() const { return keys_; }
  void remove_all_in(const KeyBatch& other) {
    std::erase_if(keys_, [&](const ObjectKey& key) { return other.contains(key.value()); });
    std::erase_if(seen_, [&](const std::string& key) { return other.contains(key); });
  }
  void clear() {
    keys_.clear();
    seen_.clear();
  }

 private:
  std::vector<ObjectKey> keys_;
  std::unordered_set<std::string> seen_;
};

class InotifyFileWatch final : public FileWatch {
 public:
  InotifyFileWatch(io::Descriptor inotify, io::Descriptor stop, const std::string& folder,
                   const std::vector<std::string>& patterns, FileWatchEvents events,
                   FileWatchOptions options)
      : inotify_(std::move(inotify)),
        stop_(std::move(stop)),
        root_(folder),
        patterns_(patterns),
        watches_(inotify_.get(), folder, patterns_),
        events_(std::move(events)),
        read_events_(std::move(options.read_events)),
        buffer_(buffer_bytes) {
    if (!read_events_) read_events_ = ::read;
  }

  ~InotifyFileWatch() override {
    if (!thread_.joinable()) return;
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof one);
    thread_.join();
  }

  Result<void> begin() {
    WEIR_TRY(watches_.add("", nullptr));
    thread_ = std::thread([this] { run(); });
    return {};
  }

  bool complete() const override { return watches_.complete(); }

 private:
  void run();
  void read_batch();
  void handle(const inotify_event& event);
  void handle_named(const std::string& folder, const inotify_event& event);
  void handle_folder(const std::string& key, uint32_t mask);
  void judge_appeared();
  void deliver();
  void watch_root_again();
  std::string path_of(const std::string& key) const { return root_ + "/" + key; }

  const io::Descriptor inotify_;
  const io::Descriptor stop_;
  const std::string root_;
  const KeyPatterns patterns_;
  FolderWatches watches_;
  const FileWatchEvents events_;
  ReadEvents read_events_;
  std::vector<char> buffer_;
  // What the events read so far said; of the watching thread.
  KeyBatch arrived_, appeared_, unsettled_;
  bool lost_ = false;
  std::thread thread_;
};

void InotifyFileWatch::run() {
  for (;;) {
    pollfd descriptors[] = {{inotify_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    const int timeout_ms = !appeared_.keys().empty() ? 0
                           : watches_.watches_root() ? -1
                                                     : lost_root_retry_ms;
    const int ready = ::poll(descriptors, 2, timeout_ms);
    if (ready < 0 && errno != EINTR) {
      log::error("{}: new files are found by rescans only",
                 io::system_error("wait for changes in", root_).to_string());
      return;
    }
    if (ready > 0 && descriptors[1].revents != 0) return;
    if (ready > 0) read_batch();
    judge_appeared();
    if (lost_ || !watches_.watches_root()) watch_root_again();
    deliver();
  }
}

void InotifyFileWatch::read_batch() {
  for (int reads = 0; reads < most_reads_per_batch; ++reads) {
    const ssize_t size = read_events_(inotify_.get(), buffer_.data(), buffer_.size());
    if (size <= 0) return;
    for (ssize_t at = 0; at < size;) {
      // The kernel aligns the records.
      const auto& event = *reinterpret_cast<const inotify_event*>(buffer_.data() + at);
      handle(event);
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  }
}

void InotifyFileWatch::handle(const inotify_event& event) {
  if (event.mask & IN_Q_OVERFLOW) {
    lost_ = true;
    return;
  }
  const std::string* found = watches_.folder(event.wd);
  if (found == nullptr) return;
  const std::string folder = *found;  // the handlers may drop the watch
  if (event.mask & (IN_IGNORED | IN_DELETE_SELF | IN_UNMOUNT)) {
    watches_.forget(event.wd);
  } else if (event.mask & IN_MOVE_SELF) {
    if (folder.empty()) watches_.remove("");  // others: told by their parent's IN_MOVED_FROM
  } else if (event.len > 0) {
    handle_named(folder, event);
  }
}

void InotifyFileWatch::handle_named(const std::string& folder, const inotify_event& event) {
  const std::string_view name = event.name;
  if (!is_object_name(name)) return;  // the listing warns of it
  std::string key = folder.empty() ? std::string(name) : folder + "/" + std::string(name);
  if (event.mask & IN_ISDIR) {
    handle_folder(key, event.mask);
  } else if (!patterns_.matches(key)) {
    return;
  } else if (event.mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) {
    arrived_.add(key);
  } else if (event.mask & IN_CREATE) {
    appeared_.add(key);
  }
}

void InotifyFileWatch::handle_folder(const std::string& key, uint32_t mask) {
  if (mask & (IN_MOVED_FROM | IN_MOVED_TO)) watches_.remove(key);
  if ((mask & (IN_CREATE | IN_MOVED_TO)) == 0 || !patterns_.reaches(key)) return;
  // The watch comes first and the listing second, so that nothing falls between. What the listing
  // finds may still be being written.
  const auto added = watches_.add(key, [this](const std::string& file) { appeared_.add(file); });
  if (!added && added.error().code != ErrorCode::not_found) {
    log::warning("{}: files there are found by rescans only", added.error().to_string());
  }
}

/// Judges the files that appeared without a word on their completeness. One with a single name and
/// some content belongs to a writer who made it (its closing is, or will be, told), or was given
/// its name when complete, or came with its folder (nothing more will be told). The kernel queues
/// the closing before the writer stops counting as one: so when nobody writes it and its closing is
/// not among the events read after that, it is complete. An empty one may be about to be opened by
/// its maker; a link may be written under another name: only time tells.
void InotifyFileWatch::judge_appeared() {
  if (appeared_.keys().empty()) return;
  KeyBatch complete;
  for (const ObjectKey& key : appeared_.keys()) {
    if (arrived_.contains(key.value())) continue;
    const std::string path = path_of(key.value());
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) continue;
    const bool linked = status.st_nlink > 1 || S_ISLNK(status.st_mode);
    const Writers writers = find_writers(path);
    if (writers == Writers::none && (linked || status.st_size > 0)) {
      complete.add(key.value());
    } else if (writers == Writers::unknown || writers == Writers::none ||
               (writers == Writers::some && linked)) {
      unsettled_.add(key.value());
    }
  }
  appeared_.clear();
  if (complete.keys().empty()) return;
  read_batch();
  for (const ObjectKey& key : complete.keys()) arrived_.add(key.value());
}

void InotifyFileWatch::watch_root_again() {
  // Folders may have come, gone or been renamed unseen.
  watches_.remove("");
  lost_ = watches_.add("", nullptr).has_value();
  if (!lost_) log::debug("the folder {} is gone; waiting for it", root_);
}

void InotifyFileWatch::deliver() {
  unsettled_.remove_all_in(arrived_);
  if (!arrived_.keys().empty() && events_.arrived) events_.arrived(arrived_.keys());
  if (!unsettled_.keys().empty() && events_.unsettled) events_.unsettled(unsettled_.keys());
  if (lost_ && events_.lost) events_.lost();
  appeared_.remove_all_in(arrived_);  // told, so there is nothing left to judge
  arrived_.clear();
  unsettled_.clear();
  lost_ = false;
}

}  // namespace

Result<std::unique_ptr<FileWatch>> FileWatch::start(const std::string& folder,
                                                    const std::vector<std::string>& patterns,
                                                    FileWatchEvents events,
                                                    FileWatchOptions options) {
  io::Descriptor inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify) {
    const int error = errno;
    Error failure = io::system_error("watch", folder, error);
    if (error == EMFILE) {
      failure.code = ErrorCode::busy;
      failure.fix = "raise fs.inotify.max_user_instances, or the limit of open files";
    }
    return fail(std::move(failure));
  }
  io::Descriptor stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop) return fail(io::system_error("watch", folder));
  auto watch = std::make_unique<InotifyFileWatch>(std::move(inotify), std::move(stop), folder,
                                                  patterns, std::move(events), std::move(options));
  WEIR_TRY(watch->begin());
  return watch;
}

}  // namespace weir::objects
