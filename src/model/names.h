#pragma once

#include "base/strong_id.h"

namespace weir {

using DatabaseName = StrongId<struct DatabaseNameTag>;
using BucketName = StrongId<struct BucketNameTag>;
using TableName = StrongId<struct TableNameTag>;
using PipelineName = StrongId<struct PipelineNameTag>;
/// A key inside a bucket: '/'-separated, never starting with '/', never containing "..".
using ObjectKey = StrongId<struct ObjectKeyTag>;
/// What identifies one content of an object: "sha256:…" for files, the version id or ETag for S3.
using ObjectVersion = StrongId<struct ObjectVersionTag>;
/// 26 lowercase Crockford base-32 characters (a ULID): sorts by time of creation.
using RunId = StrongId<struct RunIdTag>;

}  // namespace weir
