#include "pipeline/download.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "base/fault_point.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "http/client.h"
#include "pipeline/downloaded_bytes.h"
#include "pipeline/http_status.h"
#include "pipeline/input_lookup.h"
#include "pipeline/part_file.h"
#include "pipeline/part_sink.h"
#include "pipeline/run_variables.h"
#include "runlog/run_log.h"
#include "text/content_version.h"
#include "text/url.h"
#include "trace/tracer.h"

namespace weir::pipeline {
namespace {

using std::chrono::milliseconds;

std::string digest_of(const std::string& text) { return crypto::to_hex(crypto::sha256(text)); }

class DownloadRun {
 public:
  DownloadRun(const Project& project, Resources& resources, const Clock& clock,
              const Pipeline& pipeline, const Run& run, Progress& progress)
      : project_(project),
        resources_(resources),
        clock_(clock),
        pipeline_(pipeline),
        step_(*pipeline.download()),
        run_(run),
        progress_(progress) {}

  RunOutcome execute();

 private:
  enum class Fetched { complete, unchanged };

  Result<Receipt> download();
  Result<void> fill_in_texts();
  Result<PartFile> open_part() const;
  Result<void> look_at_target();
  Result<Fetched> fetch(PartFile& part);
  Result<Fetched> ask(PartFile& part, bool resume, bool& again);
  http::ClientRequest request(const PartFile& part, bool resume) const;
  Result<Receipt> keep(PartFile& part);
  Result<void> check_sha256(PartFile& part, const std::string& sha256);
  void remember(const PartState& state, const ObjectVersion& version, uint64_t size);
  Receipt receipt(RunState state, const ObjectVersion& version) const;

  const Project& project_;
  Resources& resources_;
  const Clock& clock_;
  const Pipeline& pipeline_;
  const DownloadStep& step_;
  const Run& run_;
  Progress& progress_;

  std::string url_;  // with its secrets
  std::string url_digest_;
  std::vector<http::HeaderField> headers_;
  ObjectRef target_;
  objects::Bucket* bucket_ = nullptr;
  std::optional<ObjectVersion> there_;            // what the target is now
  std::optional<runlog::DownloadMemory> memory_;  // of what is there
  bool resumed_ = false;
  std::optional<milliseconds> retry_after_;
  uint64_t put_bytes_ = 0;
};

RunOutcome DownloadRun::execute() {
  RunOutcome outcome;
  auto receipt = download();
  outcome.receipt = receipt ? *std::move(receipt) : failed_receipt(run_, receipt.error());
  if (!target_.key.empty()) outcome.receipt.object = target_;
  outcome.retry_after = retry_after_;
  outcome.downloaded_bytes = put_bytes_;
  return outcome;
}

Receipt DownloadRun::receipt(RunState state, const ObjectVersion& version) const {
  Receipt receipt;
  receipt.run = run_.id;
  receipt.pipeline = run_.pipeline;
  receipt.version = version;
  receipt.status = state;
  return receipt;
}

Result<Receipt> DownloadRun::download() {
  const auto started = std::chrono::steady_clock::now();
  WEIR_TRY(fill_in_texts());
  PartFile part = WEIR_TRY(open_part());
  WEIR_TRY(look_at_target());
  const auto finish = [&](Receipt receipt) {
    receipt.duration_ms =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started)
            .count();
    return receipt;
  };
  // This very run put it before the process died: done.
  const PartState& state = part.state();
  if (there_ && state.put_run == run_.id.value() && state.put_version == there_->value() &&
      state.target == target_.to_string()) {
    return finish(receipt(RunState::succeeded, *there_));
  }
  if (WEIR_TRY(fetch(part)) == Fetched::unchanged) {
    return finish(receipt(RunState::skipped, *there_));
  }
  return finish(WEIR_TRY(keep(part)));
}

Result<void> DownloadRun::fill_in_texts() {
  const auto fill = [&](const std::string& text) -> Result<std::string> {
    const auto filled = WEIR_TRY(fill_run_variables(text, pipeline_, run_.scheduled_for));
    return secrets::fill_in(filled, *resources_.secrets);
  };
  target_.bucket = step_.bucket;
  target_.key = ObjectKey(WEIR_TRY(fill_run_variables(step_.key, pipeline_, run_.scheduled_for)));
  url_ = WEIR_TRY(fill(step_.url));
  url_digest_ = digest_of(url_);
  for (const HeaderSetting& header : step_.headers) {
    std::string value = WEIR_TRY(fill(header.value));
    if (value.find_first_of("\r\n") != std::string::npos || value.find('\0') != std::string::npos) {
      return fail(ErrorCode::invalid_input,
                  "the value of header '" + header.name + "' has more than one line",
                  "check the secret it is made of", step_.location);
    }
    headers_.push_back({header.name, std::move(value)});
  }
  const auto bucket = resources_.buckets.find(step_.bucket);
  if (bucket == resources_.buckets.end()) {
    return fail(ErrorCode::not_found, "there is no bucket '" + step_.bucket.value() + "'");
  }
  bucket_ = bucket->second.get();
  return {};
}

Result<PartFile> DownloadRun::open_part() const {
  // One per pipeline: what another day's run left behind makes way for this one's.
  return PartFile::open(project_.state_dir() / "downloads",
                        digest_of(pipeline_.name.value()).substr(0, 32));
}

Result<void> DownloadRun::look_at_target() {
  const auto stat = bucket_->stat(target_.key);
  if (!stat) {
    return stat.error().code == ErrorCode::not_found ? Result<void>() : fail(stat.error());
  }
  const auto stream = WEIR_TRY(bucket_->open(target_.key));
  there_ = WEIR_TRY(text::content_version(*stream));
  if (resources_.run_log == nullptr || run_.force) return {};
  const auto memory = WEIR_TRY(resources_.run_log->find_download(pipeline_.name, 0, target_));
  const bool same = memory && memory->url_digest == url_digest_ &&
                    memory->digest == there_->value() && memory->size == stat->size_bytes;
  if (same) memory_ = memory;
  return {};
}

http::ClientRequest DownloadRun::request(const PartFile& part, bool resume) const {
  http::ClientRequest request;
  request.url = url_;
  request.headers = headers_;
  if (resources_.tracer != nullptr) {
    const auto span = resources_.tracer->of_run(run_.id, run_.tries);
    request.headers.push_back({"traceparent", trace::to_traceparent(span)});
  }
  request.timeout = milliseconds(step_.timeout_ms);
  request.stall = milliseconds(step_.stall_ms);
  request.connect_timeout = std::min(request.timeout, request.connect_timeout);
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) request.plain_headers.push_back({name, value});
  };
  if (resume) {
    add("Range", fmt::format("bytes={}-", part.size()));
    add("If-Range", part.state().validator);
  } else if (memory_) {
    add("If-None-Match", memory_->etag);
    if (memory_->etag.empty()) add("If-Modified-Since", memory_->last_modified);
  }
  return request;
}

Result<DownloadRun::Fetched> DownloadRun::ask(PartFile& part, bool resume, bool& again) {
  http::Client client({NetworkFence(project_.network, step_.allow), project_.ca_file.string()});
  const http::ClientRequest wanted = request(part, resume);
  PartSink sink(part,
                {.url_digest = url_digest_,
                 .target = target_.to_string(),
                 .max_size = step_.max_size,
                 .resume = resume,
                 .conditional = !resume && memory_.has_value()},
                clock_, progress_);
  const auto sent = client.send(wanted, sink, progress_.cancel);
  if (!sent) {
    again = sink.must_begin_anew();
    retry_after_ = sink.retry_after();
    return fail(sent.error());
  }
  resumed_ = resumed_ || sink.went_on();
  if (sink.unchanged()) return Fetched::unchanged;
  const auto total = part.state().total;
  if (total && part.size() != *total) {
    return fail(ErrorCode::unavailable,
                fmt::format("{} gave {} of {} bytes", sent->url, part.size(), *total));
  }
  return Fetched::complete;
}

Result<DownloadRun::Fetched> DownloadRun::fetch(PartFile& part) {
  const PartState& state = part.state();
  const bool ours = state.url_digest == url_digest_ && state.target == target_.to_string();
  bool resume = ours && !state.validator.empty() && part.size() > 0;
  if (resume && state.total && part.size() >= *state.total) {
    // It was whole, and could not be put: nothing is left to ask for but whether it is the same.
    resume = false;
    WEIR_TRY(part.clear());
  }
  bool again = false;
  auto fetched = ask(part, resume, again);
  if (!fetched && again) {
    WEIR_TRY(part.clear());
    fetched = ask(part, false, again);
  }
  return fetched;
}

Result<void> DownloadRun::check_sha256(PartFile& part, const std::string& sha256) {
  if (step_.sha256.empty() || step_.sha256 == sha256) return {};
  WEIR_TRY(part.clear());
  // What was put together of two answers may be neither: that is worth another try.
  return fail(resumed_ ? ErrorCode::unavailable : ErrorCode::invalid_input,
              fmt::format("{} gave other content than expected: its SHA-256 is {}",
                          text::shown_url(url_), sha256),
              "if it was changed on purpose, change 'sha256'", step_.location);
}

Result<Receipt> DownloadRun::keep(PartFile& part) {
  const PartState fetched = part.state();
  DownloadedBytes content(part, target_.key.value(), step_.max_size);
  const ContentSum sum = WEIR_TRY(content.sum());
  WEIR_TRY(check_sha256(part, sum.sha256));
  if (there_ && *there_ == sum.version && !run_.force) {
    remember(fetched, sum.version, sum.size_bytes);
    WEIR_TRY(part.clear());
    return receipt(RunState::skipped, sum.version);
  }
  if (progress_.cancel) return fail(ErrorCode::cancelled, "the download was stopped");
  WEIR_TRY(part.putting(run_.id.value(), sum.version.value()));
  const auto stream = WEIR_TRY(content.open());
  WEIR_TRY(bucket_->put(target_.key, *stream));
  put_bytes_ = sum.size_bytes;
  fault_point("download-put");
  remember(fetched, sum.version, sum.size_bytes);
  WEIR_TRY(part.forget_bytes());
  return receipt(RunState::succeeded, sum.version);
}

/// Losing it costs a download that finds nothing new.
void DownloadRun::remember(const PartState& state, const ObjectVersion& version, uint64_t size) {
  if (resources_.run_log == nullptr) return;
  const auto written = resources_.run_log->remember_download(
      pipeline_.name, 0, target_,
      {url_digest_, state.etag, state.last_modified, size, version.value()});
  if (!written) {
    log::warning("what was downloaded will be downloaded again: {}", written.error().to_string());
  }
}

std::string cause_words(const NotifyStep& step) {
  std::vector<std::string> causes;
  if (step.on_success) causes.emplace_back("success");
  if (step.on_failure) causes.emplace_back("failure");
  if (step.on_rejects) {
    causes.push_back(step.rejects_over_ratio
                         ? fmt::format("more than {:g} % rejects", *step.rejects_over_ratio * 100)
                         : fmt::format("more than {} rejects", step.rejects_over));
  }
  return fmt::format("{}", fmt::join(causes, ", "));
}

std::string describe_download(const DownloadStep& step, const Pipeline& pipeline,
                              Resources& resources, Timestamp scheduled_for) {
  const auto fill = [&](const std::string& text) {
    return fill_run_variables(text, pipeline, scheduled_for).value_or(text);
  };
  const ObjectRef target{step.bucket, ObjectKey(fill(step.key))};
  std::string line =
      fmt::format("would download {} to {}", text::shown_url(fill(step.url)), target.to_string());
  const auto bucket = resources.buckets.find(step.bucket);
  if (bucket == resources.buckets.end()) return line;
  const auto stat = bucket->second->stat(target.key);
  line += stat ? fmt::format(", in place of the {} bytes that are there, if it has changed",
                             stat->size_bytes)
               : ", which is not there yet";
  return line;
}

}  // namespace

RunOutcome execute_download(const Project& project, Resources& resources, const Clock& clock,
                            const Pipeline& pipeline, const Run& run, Progress& progress) {
  return DownloadRun(project, resources, clock, pipeline, run, progress).execute();
}

std::vector<std::string> describe_effects(Resources& resources, const Pipeline& pipeline,
                                          Timestamp scheduled_for) {
  std::vector<std::string> lines;
  for (const Step& step : pipeline.steps) {
    if (const auto* download = std::get_if<DownloadStep>(&step)) {
      lines.push_back(describe_download(*download, pipeline, resources, scheduled_for));
    } else if (const auto* notify = std::get_if<NotifyStep>(&step)) {
      lines.push_back(
          fmt::format("would tell {} on {}", text::shown_url(notify->url), cause_words(*notify)));
    }
  }
  return lines;
}

}  // namespace weir::pipeline
