#include "scheduler/known_cursor.h"

namespace weir::scheduler {
namespace {

constexpr size_t page_size = 1000;

}  // namespace

KnownCursor::KnownCursor(runlog::RunLog& log, PipelineName pipeline, BucketName bucket)
    : log_(log), pipeline_(std::move(pipeline)), bucket_(std::move(bucket)) {}

/// The next known object; null behind the last one.
Result<const runlog::KnownObject*> KnownCursor::current() {
  if (position_ == page_.size() && !last_page_) {
    page_ = WEIR_TRY(log_.known_after(pipeline_, bucket_, after_, page_size));
    position_ = 0;
    last_page_ = page_.size() < page_size;
    if (!page_.empty()) after_ = page_.back().object.key;
  }
  return position_ < page_.size() ? &page_[position_] : nullptr;
}

Result<bool> KnownCursor::knows(const objects::ObjectStat& object) {
  for (;;) {
    const runlog::KnownObject* known = WEIR_TRY(current());
    if (known == nullptr || known->object.key > object.key) return false;
    const bool same = known->object.key == object.key;
    if (same) return same_state(page_[position_++], object);
    gone_.push_back(page_[position_++].object);
  }
}

Result<std::vector<ObjectRef>> KnownCursor::gone() {
  while (const runlog::KnownObject* known = WEIR_TRY(current())) {
    gone_.push_back(known->object);
    ++position_;
  }
  return std::move(gone_);
}

bool same_state(const runlog::KnownObject& known, const objects::ObjectStat& stat) {
  return known.size_bytes == stat.size_bytes && known.mtime_ns == stat.mtime_ns &&
         known.ctime_ns == stat.ctime_ns && known.inode == stat.inode;
}

runlog::KnownObject to_known(const BucketName& bucket, const objects::ObjectStat& stat) {
  return {{bucket, stat.key}, stat.size_bytes, stat.mtime_ns, stat.ctime_ns, stat.inode};
}

}  // namespace weir::scheduler
