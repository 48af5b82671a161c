#include "doctor/place_checks.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <set>

#include "calendar/zone.h"
#include "crypto/wipe.h"
#include "io/atomic_file.h"
#include "owner/lock_file.h"
#include "secrets/secret_store.h"
#include "secrets/secret_vault.h"

namespace weir::doctor {
namespace {

std::string reason() { return std::strerror(errno); }

/// What keeps a folder from being used; none when it can be listed and entered.
std::optional<std::string> unreadable(const std::string& path) {
  DIR* const folder = ::opendir(path.c_str());
  if (folder == nullptr) return "cannot list " + path + ": " + reason();
  ::closedir(folder);
  if (::access(path.c_str(), X_OK) != 0) return "cannot enter " + path + ": " + reason();
  return std::nullopt;
}

/// Whether a file can really be made there: rights alone do not know of full or read-only disks.
std::optional<std::string> unwritable(const std::string& path) {
  std::string probe = path + "/.weir-doctor-XXXXXX";
  const int file = ::mkostemp(probe.data(), O_CLOEXEC);
  if (file < 0) return "cannot make a file in " + path + ": " + reason();
  const bool written = ::write(file, "doctor", 6) == 6 && ::fsync(file) == 0;
  const std::string why = reason();
  ::close(file);
  ::unlink(probe.c_str());
  if (!written) return "cannot write in " + path + ": " + why;
  return std::nullopt;
}

std::string user_text() { return fmt::format("user {}", ::geteuid()); }

/// A pipeline that downloads into the bucket, so that reading it is not enough.
const Pipeline* writer_of(const Project& project, const BucketName& bucket) {
  for (const Pipeline& pipeline : project.pipelines) {
    const DownloadStep* step = pipeline.download();
    if (step != nullptr && step->bucket == bucket) return &pipeline;
  }
  return nullptr;
}

/// One whose bucket this user may only read.
Finding read_only_finding(const std::string& check, const std::string& why,
                          const Pipeline* writer) {
  if (writer == nullptr) {
    return {check, Verdict::warning, why,
            "fine while objects are only read; else give " + user_text() + " the right w on it"};
  }
  return {check, Verdict::problem,
          why + "; pipeline '" + writer->name.value() + "' downloads into it",
          "give " + user_text() + " the right w on it, or let 'to' in " +
              writer->download()->location.to_string() + " name another bucket"};
}

Finding bucket_finding(const Project& project, const BucketConfig& bucket) {
  const std::string check = "bucket " + bucket.name.value();
  const std::string path = bucket.path.string();
  if (bucket.kind != BucketKind::file) {
    return {check, Verdict::warning, "this kind of bucket is not looked at yet", {}};
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) {
      return {check, Verdict::warning, path + " is not there; the first run makes it",
              "if it should hold something by now: mount it, or mend the URL in " +
                  bucket.location.to_string()};
    }
    return {check, Verdict::problem, "cannot reach " + path + ": " + reason(),
            "let " + user_text() + " enter the folders above it"};
  }
  if (!S_ISDIR(status.st_mode)) {
    return {check, Verdict::problem, path + " is no folder",
            "move what is there, or mend the URL in " + bucket.location.to_string()};
  }
  if (const auto why = unreadable(path)) {
    return {check, Verdict::problem, *why, "give " + user_text() + " the rights r and x on it"};
  }
  if (::access(path.c_str(), W_OK) != 0) {
    return read_only_finding(check, "cannot write in " + path + ": " + reason(),
                             writer_of(project, bucket.name));
  }
  return {check, Verdict::ok, path + " can be read and written", {}};
}

}  // namespace

Findings check_state_folder(const Project& project) {
  const std::string path = project.state_dir().string();
  const std::string check = "state folder";
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) {
      return {{check, Verdict::problem, "cannot reach " + path + ": " + reason(),
               "let " + user_text() + " enter the folders above it"}};
    }
    const std::string above = ::access(project.state_dir().parent_path().c_str(), F_OK) == 0
                                  ? project.state_dir().parent_path().string()
                                  : project.root.string();
    if (::access(above.c_str(), W_OK | X_OK) != 0) {
      return {{check, Verdict::problem, "cannot make " + path + ": " + reason(),
               "give " + user_text() + " the rights w and x on " + above}};
    }
    return {{check, Verdict::ok, path + " is not there yet; the first verb makes it", {}}};
  }
  if (!S_ISDIR(status.st_mode)) {
    return {{check, Verdict::problem, path + " is no folder", "move what is there"}};
  }
  if (status.st_uid != ::geteuid()) {
    return {
        {check, Verdict::problem,
         fmt::format("{} belongs to user {}, and this is {}", path, status.st_uid, user_text()),
         fmt::format("run weir as user {}, or: chown -R {} {}", status.st_uid, ::geteuid(), path)}};
  }
  if (const auto why = unwritable(path)) {
    return {{check, Verdict::problem, *why,
             "see that the disk has room and is mounted writable: weir keeps its queue there"}};
  }
  if ((status.st_mode & 0077) != 0) {
    return {
        {check, Verdict::warning,
         fmt::format("{} has the mode {:04o}: others can look in", path, status.st_mode & 07777u),
         "chmod 700 " + path + " (the next verb does)"}};
  }
  return {{check, Verdict::ok, path + " is ours alone, and writable", {}}};
}

Findings check_owner(const Project& project) {
  const std::string check = "owner";
  std::error_code ignored;
  if (!std::filesystem::exists(project.state_dir() / owner::lock_name, ignored)) {
    return {{check, Verdict::ok, "no weir has run here yet", {}}};
  }
  const auto directory = owner::StateDirectory::open(project.state_dir());
  if (!directory) {
    return {{check, Verdict::problem, directory.error().message, directory.error().fix}};
  }
  auto lock = owner::LockFile::open(*directory);
  if (!lock) return {{check, Verdict::problem, lock.error().message, lock.error().fix}};
  const auto free = lock->try_lock();
  if (!free) return {{check, Verdict::problem, free.error().message, free.error().fix}};
  if (*free) {
    return {{check, Verdict::ok, "no weir runs; `weir up` would watch and run schedules", {}}};
  }
  const auto holder = lock->holder();
  if (!holder) return {{check, Verdict::ok, "another weir runs", {}}};
  if (holder->version != WEIR_VERSION) {
    return {{check, Verdict::problem,
             holder->to_string() + " is version " + holder->version + ", this is " + WEIR_VERSION,
             "restart it with this version"}};
  }
  return {{check, Verdict::ok, holder->to_string() + " runs", {}}};
}

Findings check_secrets(const Project& project, const secrets::SecretPlaces& places) {
  Findings findings;
  const auto store = secrets::open_secret_store(places);
  std::set<std::string> names;
  std::set<std::string> told;
  for (const SecretUse& use : project.secrets) {
    if (!names.insert(use.name).second) continue;
    auto value = store->get(use.name);
    if (value) {
      crypto::wipe(*value);
      continue;
    }
    if (!told.insert(value.error().message).second) continue;
    findings.push_back({"secrets", Verdict::problem,
                        use.location.to_string() + ": " + value.error().message,
                        value.error().fix});
  }
  const SystemClock clock;
  const auto listed = secrets::SecretVault(places, clock).list({});
  if (!listed && told.insert(listed.error().message).second) {
    findings.push_back({"secrets", Verdict::problem, listed.error().message, listed.error().fix});
  }
  if (findings.empty()) {
    findings.push_back(
        {"secrets",
         Verdict::ok,
         names.empty() ? "the project names none" : fmt::format("all {} can be had", names.size()),
         {}});
  }
  return findings;
}

Findings check_buckets(const Project& project) {
  Findings findings;
  for (const BucketConfig& bucket : project.buckets) {
    findings.push_back(bucket_finding(project, bucket));
  }
  return findings;
}

Findings check_time_zones(const Project& project) {
  Findings findings;
  std::set<std::string> known;
  for (const Pipeline& pipeline : project.pipelines) {
    for (const Trigger& trigger : pipeline.triggers) {
      const auto* cron = std::get_if<CronTrigger>(&trigger);
      if (cron == nullptr || cron->timezone.empty()) continue;
      const auto zone = calendar::Zone::find(cron->timezone);
      if (zone) {
        known.insert(cron->timezone);
        continue;
      }
      findings.push_back({"time zones", Verdict::problem,
                          cron->location.to_string() + ": " + zone.error().message,
                          zone.error().fix});
    }
  }
  if (findings.empty()) {
    findings.push_back(
        {"time zones",
         Verdict::ok,
         known.empty() ? "no schedule names one" : fmt::format("all {} are known", known.size()),
         {}});
  }
  return findings;
}

}  // namespace weir::doctor
