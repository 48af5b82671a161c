#include "pipeline/input.h"

namespace weir::pipeline {

Result<void> Input::open() {
  stream = WEIR_TRY(bucket->open(key.object->key));
  blocks = std::make_unique<text::RecordBlocks>(*stream, options);
  return {};
}

Result<void> Input::close() {
  const auto now = bucket->stat(key.object->key);
  version = WEIR_TRY(blocks->version());
  if (!now || *now != before || (expected && *expected != version)) {
    return fail(ErrorCode::input_changed, key.object->to_string() + " changed while it was read",
                "write to another name and rename it into place");
  }
  return {};
}

}  // namespace weir::pipeline
