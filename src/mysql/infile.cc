#include "mysql/infile.h"

#include <algorithm>
#include <random>
#include <utility>

namespace weir::mysql {

std::string Infile::offer(ChunkQueue& queue, std::function<void()> accepted) {
  std::random_device random;
  name_ = "weir-rows";
  for (int i = 0; i < 4; ++i) name_ += "-" + std::to_string(random());
  queue_ = &queue;
  accepted_ = std::move(accepted);
  chunk_.clear();
  given_ = 0;
  return name_;
}

void Infile::withdraw() {
  queue_ = nullptr;
  name_.clear();
  accepted_ = nullptr;
}

int Infile::open(const char* name) {
  if (queue_ == nullptr || name == nullptr || name_ != name) {
    // The library takes it for a format: no name in it, which may hold a %.
    message_ = "the server asked for a file of this machine, which it does not get";
    return 1;
  }
  name_.clear();
  accepted_();
  return 0;
}

int Infile::read(char* to, unsigned room) {
  if (queue_ == nullptr) return -1;
  if (given_ == chunk_.size()) {
    queue_->recycle(std::exchange(chunk_, {}));
    given_ = 0;
    auto next = queue_->pop();
    if (!next) {
      message_ = "the load was given up";
      return queue_->stopped() ? -1 : 0;
    }
    chunk_ = std::move(*next);
  }
  const size_t bytes = std::min<size_t>(room, chunk_.size() - given_);
  std::memcpy(to, chunk_.view().data() + given_, bytes);
  given_ += bytes;
  return static_cast<int>(bytes);
}

}  // namespace weir::mysql
