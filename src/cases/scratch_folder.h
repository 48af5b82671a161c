#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"

namespace weir::cases {

/// A new folder among the system's temporary ones, gone with the object.
class ScratchFolder {
 public:
  /// Errors: io.
  static Result<std::unique_ptr<ScratchFolder>> make();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {}
  const std::filesystem::path path_;
};

}  // namespace weir::cases
