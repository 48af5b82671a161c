#pragma once

#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/check.h"
#include "owner/protocol.h"
#include "owner/state_directory.h"

namespace weir::owner {

/// A folder of its own for one test, gone afterwards.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "weir_owner_XXXXXX").string();
    WEIR_CHECK(::mkdtemp(name.data()) != nullptr, "a temporary folder");
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }
  StateDirectory open_state() const {
    return StateDirectory::open(path_ / ".weir" / "default").value();
  }

 private:
  std::filesystem::path path_;
};

/// Keeps the frames; says no to the one behind the `limit`-th.
class CollectingSink final : public FrameSink {
 public:
  explicit CollectingSink(size_t limit = SIZE_MAX) : limit_(limit) {}
  bool send(const text::Json& frame) override {
    if (frames.size() >= limit_) return false;
    frames.push_back(frame);
    return true;
  }
  std::vector<text::Json> frames;

 private:
  size_t limit_;
};

inline text::Json frame_of(std::string kind, text::Json value = {}) {
  text::Json frame = text::Json::object();
  frame.set("frame", std::move(kind)).set("value", std::move(value));
  return frame;
}

}  // namespace weir::owner
