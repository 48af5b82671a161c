#include "config/resolve_http_steps.h"

#include <algorithm>
#include <array>

#include "config/key_pattern.h"
#include "model/network_fence.h"
#include "text/url.h"

namespace weir::config {
namespace {

constexpr std::array own_headers = {
    "host",       "content-length",    "transfer-encoding", "connection",      "range",
    "if-range",   "if-none-match",     "if-modified-since", "accept-encoding", "traceparent",
    "webhook-id", "webhook-timestamp", "webhook-signature"};

struct References {
  bool secret = false, run = false;
  std::string text;  ///< with a stand-in for each
};

/// `${…}` is filled in when the step runs: until then something harmless stands for it.
References stand_in(const std::string& text, const std::string& run, const std::string& secret) {
  References out;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = std::min(text.find("${", at), text.size());
    out.text += text.substr(at, begin - at);
    const size_t end = text.find('}', begin);
    if (begin == text.size() || end == std::string::npos) {
      out.text += text.substr(begin);
      break;
    }
    const bool of_run = text.compare(begin, 6, "${run.") == 0;
    (of_run ? out.run : out.secret) = true;
    out.text += of_run ? run : secret;
    at = end + 1;
  }
  return out;
}

std::string step_of(const char* kind, const Named<PipelineEntry>& entry) {
  return std::string(" of '") + kind + "' of pipeline '" + entry.name + "'";
}

}  // namespace

bool check_url(const std::string& of, const Located<std::string>& url,
               const std::vector<NetworkRule>& allow, const Resolving& resolving) {
  Reader& reader = resolving.reader;
  const References filled = stand_in(url.value, "2000-01-01", "x");
  const auto parsed = text::parse_url(filled.text);
  if (!parsed) {
    if (url.value.starts_with("${")) return true;  // all of it may come from there
    std::string message = parsed.error().message;
    reader.error(url.location, message.insert(message.find("URL") + 3, of), parsed.error().fix);
    return false;
  }
  if (!parsed->user_info.empty() && !filled.secret) {
    reader.warning(url.location, "the URL" + of + " holds a password in the clear",
                   "keep it as a secret: ${secret:NAME}");
  }
  if (url.value.find("${") < url.value.find(parsed->host)) return true;  // not known yet
  const NetworkFence fence(resolving.project.network, allow);
  if (const auto checked = fence.check_host(parsed->host); !checked) {
    reader.error(url.location, "the URL" + of + ": " + checked.error().message,
                 checked.error().fix);
    return false;
  }
  return true;
}

std::vector<HeaderSetting> resolve_headers(const std::vector<Named<Located<std::string>>>& headers,
                                           Reader& reader) {
  std::vector<HeaderSetting> out;
  for (const auto& header : headers) {
    const std::string name = folded(header.name);
    if (std::ranges::find(own_headers, name) != own_headers.end()) {
      reader.error(header.location, "the header '" + header.name + "' is weir's own to set",
                   "remove it");
    }
    const std::string& value = header.value.value;
    if (std::ranges::any_of(value, [](char c) {
          return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f;
        })) {
      reader.error(header.value.location,
                   "the value of header '" + header.name + "' has control characters in it",
                   "write it in one line");
    }
    const bool reference = value.find("${") != std::string::npos;
    if ((name == "authorization" || name == "cookie") && !reference) {
      reader.warning(header.value.location,
                     "whoever can read the project file can read the header '" + header.name + "'",
                     "keep it as a secret: ${secret:NAME}");
    }
    out.push_back({header.name, value});
  }
  return out;
}

namespace {

/// "landing/${run.day}/x.csv" → bucket and key.
bool resolve_target(const Named<PipelineEntry>& entry, const Located<std::string>& to,
                    const Resolving& resolving, DownloadStep& step) {
  Reader& reader = resolving.reader;
  const std::string of = " of pipeline '" + entry.name + "'";
  const References filled = stand_in(to.value, "2000-01-01", "x");
  const size_t slash = to.value.find('/');
  const std::string bucket = to.value.substr(0, slash);
  if (find_entry(resolving.entry.buckets, bucket) == nullptr) {
    const std::vector<std::string> known = names_of(resolving.entry.buckets);
    reader.error(to.location, "unknown bucket '" + bucket + "' in 'to'" + of,
                 known.empty() ? "declare it: buckets: {" + bucket + ": file://" + bucket + "}"
                               : suggestion(bucket, known));
    return false;
  }
  const size_t filled_slash = filled.text.find('/');
  const std::string key =
      filled_slash == std::string::npos ? "" : filled.text.substr(filled_slash + 1);
  const std::string framed = "/" + key + "/";
  if (key.empty() || key.size() > longest_pattern || framed.find("//") != std::string::npos ||
      framed.find("/../") != std::string::npos || framed.find("/./") != std::string::npos) {
    reader.error(to.location, "'to'" + of + " names no object: '" + to.value.substr(0, 60) + "'",
                 "write bucket, '/', key: " + bucket + "/name.csv");
    return false;
  }
  step.bucket = BucketName(bucket);
  step.key = to.value.substr(slash + 1);
  return true;
}

}  // namespace

std::optional<Step> resolve_download(const Named<PipelineEntry>& entry,
                                     const DownloadEntry& download, const Resolving& resolving) {
  if (!download.url.given() || !download.to.given()) return std::nullopt;  // reported when read
  DownloadStep step;
  step.location = download.location;
  step.url = download.url.value;
  step.headers = resolve_headers(download.headers, resolving.reader);
  step.sha256 = download.sha256.value;
  step.max_size = download.max_size.value;
  step.timeout_ms = download.timeout_ms.value;
  step.stall_ms = download.stall_ms.value;
  step.allow = download.allow;
  const bool url = check_url(step_of("download", entry), download.url, download.allow, resolving);
  if (!resolve_target(entry, download.to, resolving, step) || !url) return std::nullopt;
  return step;
}

std::optional<Step> resolve_notify(const Named<PipelineEntry>& entry, const NotifyEntry& notify,
                                   const Resolving& resolving) {
  if (!notify.url.given()) return std::nullopt;  // reported when it was read
  NotifyStep step;
  step.location = notify.location;
  step.url = notify.url.value;
  step.sign = notify.sign.value;
  if (notify.retry) step.retry = notify.retry->policy();
  step.headers = resolve_headers(notify.headers, resolving.reader);
  const auto told_on = [&](NoticeCause cause) {
    return !notify.on ||
           std::ranges::any_of(*notify.on, [&](const auto& each) { return each.value == cause; });
  };
  step.on_success = told_on(NoticeCause::success);
  step.on_failure = told_on(NoticeCause::failure);
  step.on_rejects = told_on(NoticeCause::rejects);
  if (notify.rejects_over) {
    step.rejects_over = notify.rejects_over->rows;
    step.rejects_over_ratio = notify.rejects_over->ratio;
  }
  if (notify.url.value.find("${run.") != std::string::npos) {
    resolving.reader.error(notify.url.location,
                           "the URL of 'notify' of pipeline '" + entry.name +
                               "' holds ${run.…}, and a notice goes to one place",
                           "the message says which run it is about: remove the reference");
    return std::nullopt;
  }
  if (!check_url(step_of("notify", entry), notify.url, {}, resolving)) return std::nullopt;
  return step;
}

}  // namespace weir::config
