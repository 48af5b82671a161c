#include "doctor/machine_checks.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string_view>

namespace weir::doctor {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t mebibyte = 1u << 20;
constexpr uint64_t gibibyte = 1u << 30;
// A load needs room for its rows twice for a moment: in the write-ahead log and in the file.
constexpr uint64_t scarce_disk_bytes = 2 * gibibyte;
constexpr uint64_t full_disk_bytes = 64 * mebibyte;
constexpr uint64_t scarce_files = 10'000;
constexpr uint64_t few_open_files = 1'024;
constexpr uint64_t counted_folders = 2'000'000;
constexpr std::chrono::minutes future_tolerance{2};

std::string shown_bytes(uint64_t bytes) {
  if (bytes >= 10 * gibibyte) return fmt::format("{} GiB", bytes / gibibyte);
  if (bytes >= gibibyte) {
    return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / static_cast<double>(gibibyte));
  }
  return fmt::format("{} MiB", bytes / mebibyte);
}

std::optional<uint64_t> number_in(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  return number;
}

std::optional<uint64_t> number_of(const Machine& machine, const std::string& path) {
  const auto text = machine.text(path);
  return text ? number_in(*text) : std::nullopt;
}

Finding disk_finding(const std::string& what, const fs::path& path, const DiskSpace& disk) {
  const std::string found = fmt::format("{} of {} free at {}", shown_bytes(disk.free_bytes),
                                        shown_bytes(disk.total_bytes), path.string());
  const std::string check = "disk of " + what;
  if (disk.read_only) {
    return {check, Verdict::problem, path.string() + " is mounted read-only",
            "mount it writable, or move the project"};
  }
  if (disk.free_bytes < full_disk_bytes) {
    return {check, Verdict::problem, found,
            "make room: loads fail and roll back while the disk is full"};
  }
  if (disk.total_files > 0 && disk.free_files < scarce_files) {
    return {check, Verdict::problem,
            fmt::format("room for {} more files at {}", disk.free_files, path.string()),
            "remove small files there, or make a file system with more inodes"};
  }
  if (disk.free_bytes < std::min(scarce_disk_bytes, disk.total_bytes / 10)) {
    return {check, Verdict::warning, found, "make room before a large load needs it"};
  }
  return {check, Verdict::ok, found, {}};
}

/// "…/memory.max" of the control group of this process; none when nothing limits it.
std::optional<uint64_t> group_limit(const Machine& machine) {
  const auto groups = machine.text("/proc/self/cgroup");
  if (!groups || !groups->starts_with("0::")) return std::nullopt;
  std::string group = groups->substr(3, groups->find('\n') - 3);
  std::optional<uint64_t> least;
  for (;;) {
    if (const auto limit = number_of(machine, "/sys/fs/cgroup" + group + "/memory.max")) {
      least = least ? std::min(*least, *limit) : *limit;
    }
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos || group.empty()) return least;
    group.resize(slash);
  }
}

std::optional<uint64_t> machine_memory(const Machine& machine) {
  const auto text = machine.text("/proc/meminfo");
  constexpr std::string_view key = "MemTotal:";
  const size_t at = text ? text->find(key) : std::string::npos;
  if (at == std::string::npos) return std::nullopt;
  const auto kibibytes = number_in(std::string_view(*text).substr(at + key.size()));
  return kibibytes ? std::optional(*kibibytes * 1024) : std::nullopt;
}

std::set<BucketName> watched_buckets(const Project& project) {
  std::set<BucketName> names;
  for (const Pipeline& pipeline : project.pipelines) {
    for (const Trigger& trigger : pipeline.triggers) {
      if (const auto* object = std::get_if<ObjectTrigger>(&trigger)) names.insert(object->bucket);
    }
  }
  return names;
}

}  // namespace

Findings check_disks(const Project& project, const Machine& machine) {
  std::map<std::string, fs::path> places = {{"state", project.state_dir()}};
  for (const DatabaseConfig& database : project.databases) {
    if (!database.path.empty()) {
      places["database " + database.name.value()] = database.path.parent_path();
    }
  }
  Findings findings;
  std::set<uint64_t> told;  // one line per file system
  for (const auto& [what, path] : places) {
    const auto disk = machine.disk(path);
    if (!disk) {
      findings.push_back({"disk of " + what, Verdict::problem, "cannot examine " + path.string(),
                          "see that it can be reached"});
      continue;
    }
    if (!told.insert(disk->device).second) continue;
    findings.push_back(disk_finding(what, path, *disk));
    if (disk->remote) {
      findings.push_back({"disk of " + what, Verdict::warning,
                          path.string() + " lies on a network file system",
                          "keep state and embedded databases on a local disk: locks and flushes "
                          "over the network are not to be relied on"});
    }
  }
  return findings;
}

Findings check_memory(const Project& project, const Machine& machine) {
  const auto total = machine_memory(machine);
  const auto limit = group_limit(machine);
  if (!total) {
    return {{"memory", Verdict::warning, "cannot read /proc/meminfo", "see that /proc is mounted"}};
  }
  const bool limited = limit && *limit < *total;
  const uint64_t available = limited ? *limit : *total;
  const std::string found =
      fmt::format("memory: is {}, {} {}", shown_bytes(project.memory_bytes),
                  limited ? "the control group allows" : "the machine has", shown_bytes(available));
  const std::string fix =
      fmt::format("set memory: to {} MB or less in weir.yaml", available * 7 / 10 / 1'000'000);
  if (project.memory_bytes >= available) return {{"memory", Verdict::problem, found, fix}};
  if (project.memory_bytes > available / 10 * 9) return {{"memory", Verdict::warning, found, fix}};
  return {{"memory", Verdict::ok, found, {}}};
}

Findings check_clock(const Project& project, const Machine& machine) {
  Findings findings;
  const Timestamp now = machine.now();
  const std::string set_clock = "set the clock, and let somebody keep it: timedatectl set-ntp true";
  for (const fs::path& path : {project.root / "weir.yaml", project.state_dir() / "runs.sqlite",
                               project.state_dir() / "lock"}) {
    const auto changed = machine.changed(path);
    if (!changed || *changed <= now + future_tolerance) continue;
    findings.push_back(
        {"clock", Verdict::problem,
         fmt::format("{} was changed at {}, and it is {}: the clock is, or was, "
                     "wrong",
                     path.string(), format_timestamp(*changed), format_timestamp(now)),
         set_clock});
    break;
  }
  switch (machine.clock_state()) {
    case ClockState::synchronized:
      if (findings.empty()) {
        findings.push_back({"clock",
                            Verdict::ok,
                            "it is " + format_timestamp(now) + ", and somebody keeps it right",
                            {}});
      }
      break;
    case ClockState::alone:
      findings.push_back({"clock", Verdict::warning,
                          "nobody keeps the clock right, as far as the kernel knows: schedules "
                          "drift with it",
                          "run an NTP client: timedatectl set-ntp true (in a container: on its "
                          "host)"});
      break;
    case ClockState::unknown:
      findings.push_back({"clock", Verdict::warning, "cannot ask the kernel about the clock", {}});
      break;
  }
  return findings;
}

Findings check_watches(const Project& project, const Machine& machine) {
  const std::string root = "/proc/sys/fs/inotify/";
  const auto most = number_of(machine, root + "max_user_watches");
  const auto instances = number_of(machine, root + "max_user_instances");
  uint64_t folders = 0;
  const std::set<BucketName> watched = watched_buckets(project);
  for (const BucketConfig& bucket : project.buckets) {
    if (bucket.kind != BucketKind::file || !watched.contains(bucket.name)) continue;
    folders += machine.folders(bucket.path, counted_folders);
  }
  if (watched.empty()) return {{"inotify", Verdict::ok, "no bucket is watched", {}}};
  if (!most || !instances) {
    return {{"inotify", Verdict::warning, "cannot read " + root,
             "see that /proc is mounted; without inotify, objects are found by rescans"}};
  }
  const auto more_watches = [&](uint64_t wanted) {
    return fmt::format(
        "sysctl -w fs.inotify.max_user_watches={} (and in /etc/sysctl.d, so that it "
        "stays)",
        wanted);
  };
  const std::string found = fmt::format("{} folders to watch, {} watches allowed", folders, *most);
  Findings findings;
  if (folders > *most) {
    findings.push_back({"inotify", Verdict::problem, found + ": objects in the rest are found late",
                        more_watches(folders * 2)});
  } else if (folders > *most / 10 * 8) {
    findings.push_back({"inotify", Verdict::warning, found, more_watches(folders * 2)});
  } else {
    findings.push_back({"inotify", Verdict::ok, found, {}});
  }
  if (*instances < 2 * watched.size()) {
    findings.push_back(
        {"inotify", Verdict::warning,
         fmt::format("{} inotify instances allowed for all programs of this user", *instances),
         "sysctl -w fs.inotify.max_user_instances=512"});
  }
  return findings;
}

Findings check_open_files(const Machine& machine) {
  const uint64_t limit = machine.open_file_limit();
  if (limit >= few_open_files) {
    return {{"open files", Verdict::ok, fmt::format("{} allowed", limit), {}}};
  }
  return {{"open files", limit < few_open_files / 4 ? Verdict::problem : Verdict::warning,
           fmt::format("{} allowed", limit),
           "ulimit -n 4096, or LimitNOFILE=4096 in the systemd unit"}};
}

}  // namespace weir::doctor
