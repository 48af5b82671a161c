#include "pipeline/input_lookup.h"

#include "text/content_version.h"

namespace weir::pipeline {
namespace {

Result<Receipt> already_loaded(Session& session, const Input& input, const ObjectVersion& version) {
  // This very run committed before the process died: its receipt stands.
  if (input.latest->run == input.run->id) {
    return session.ledger().receipt_of(*input.latest);
  }
  Receipt receipt;
  receipt.run = input.run->id;
  receipt.pipeline = input.run->pipeline;
  receipt.object = input.run->object;
  receipt.version = version;
  receipt.status = RunState::skipped;
  return receipt;
}

}  // namespace

Receipt failed_receipt(const Run& run, Error error) {
  Receipt receipt;
  receipt.run = run.id;
  receipt.pipeline = run.pipeline;
  receipt.object = run.object;
  receipt.status = RunState::failed;
  receipt.error = std::move(error);
  return receipt;
}

Result<void> find_input(Session& session, Resources& resources, Input& input) {
  const Run& run = *input.run;
  if (!run.object) {
    return fail(ErrorCode::usage, "pipeline '" + run.pipeline.value() + "' reads an object",
                "name it: --object BUCKET/KEY");
  }
  const auto bucket = resources.buckets.find(run.object->bucket);
  if (bucket == resources.buckets.end()) {
    return fail(ErrorCode::not_found, "there is no bucket '" + run.object->bucket.value() + "'");
  }
  input.bucket = bucket->second.get();
  input.key = session.ledger_key(run.object);
  input.before = WEIR_TRY(input.bucket->stat(run.object->key));
  input.options = text::record_options(*session.parts().read, run.object->key.value());
  input.options.columns = session.parts().source_columns.size();
  return {};
}

Result<std::optional<Receipt>> judge_input(Session& session, Input& input) {
  // Contents of different sizes differ: only an equal size makes it worth reading beforehand.
  const Run& run = *input.run;
  const bool ours = input.latest && input.latest->run == run.id;
  if (input.latest && (!run.force || ours) && input.latest->size_bytes == input.before.size_bytes) {
    const auto stream = WEIR_TRY(input.bucket->open(run.object->key));
    input.expected = WEIR_TRY(text::content_version(*stream));
    if (*input.expected == input.latest->version) {
      return WEIR_TRY(already_loaded(session, input, *input.expected));
    }
  }
  return std::nullopt;
}

}  // namespace weir::pipeline
