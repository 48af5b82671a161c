#pragma once

#include <vector>

#include "objects/bucket.h"
#include "runlog/run_log.h"

namespace weir::scheduler {

/// Walks what the run log knows of a pipeline's objects in a bucket beside an ordered listing, a
/// page at a time, so that neither has to fit into memory.
class KnownCursor {
 public:
  KnownCursor(runlog::RunLog& log, PipelineName pipeline, BucketName bucket);

  /// Whether the object is known in this very state. Call in order of the keys.
  Result<bool> knows(const objects::ObjectStat& object);
  /// After the last object: the known ones the listing passed over. They are gone.
  Result<std::vector<ObjectRef>> gone();

 private:
  Result<const runlog::KnownObject*> current();

  runlog::RunLog& log_;
  const PipelineName pipeline_;
  const BucketName bucket_;
  std::vector<runlog::KnownObject> page_;
  size_t position_ = 0;
  ObjectKey after_;
  bool last_page_ = false;
  std::vector<ObjectRef> gone_;
};

bool same_state(const runlog::KnownObject& known, const objects::ObjectStat& stat);
runlog::KnownObject to_known(const BucketName& bucket, const objects::ObjectStat& stat);

}  // namespace weir::scheduler
