#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "io/temporary_folder_for_test.h"
#include "owner/protocol.h"
#include "owner/state_directory.h"

namespace weir::owner {

/// A project's folder of its own for one test.
class ProjectFolder {
 public:
  std::filesystem::path path() const { return folder_.path(); }
  StateDirectory open_state() const {
    return StateDirectory::open(path() / ".weir" / "default").value();
  }

 private:
  io::TemporaryFolder folder_;
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
