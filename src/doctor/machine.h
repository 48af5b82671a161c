#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"

namespace weir::doctor {

struct DiskSpace {
  uint64_t device = 0;  ///< equal for places on one file system
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;  ///< for who is not root
  uint64_t total_files = 0;
  uint64_t free_files = 0;  ///< names that can still be made; 0 of 0: the file system has no limit
  bool read_only = false;
  bool remote = false;  ///< NFS, SMB, …: locks there are not to be relied on
};

enum class ClockState { synchronized, alone, unknown };

/// The system as the checks see it. Tests show them another one.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual Timestamp now() const = 0;
  /// A small text file such as those of /proc; none when it cannot be read.
  virtual std::optional<std::string> text(const std::string& path) const = 0;
  /// Of the file system that `path`, or what is there above it, lies on.
  virtual std::optional<DiskSpace> disk(const std::filesystem::path& path) const = 0;
  /// When `path` was changed last; none when it is not there.
  virtual std::optional<Timestamp> changed(const std::filesystem::path& path) const = 0;
  /// Descriptors this process may have open.
  virtual uint64_t open_file_limit() const = 0;
  /// What the kernel knows about somebody who keeps its clock right.
  virtual ClockState clock_state() const = 0;
  /// Folders at and below `path`, counted up to `most`.
  virtual uint64_t folders(const std::filesystem::path& path, uint64_t most) const = 0;
};

std::unique_ptr<Machine> this_machine();

}  // namespace weir::doctor
