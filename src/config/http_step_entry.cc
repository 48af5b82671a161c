#include "config/http_step_entry.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace weir::config {
namespace {

constexpr int64_t longest_wait_ms = 7 * 86'400'000;

Value<NetworkRule> rule_value() {
  const Value<Located<std::string>> text =
      text_value("a host (example.org, *.example.org) or addresses (10.0.0.0/8)");
  Value<NetworkRule> out;
  out.outline = text.outline;
  out.read = [read = text.read](const YamlNode& node,
                                Reader& reader) -> std::optional<NetworkRule> {
    const std::optional<Located<std::string>> got = read(node, reader);
    if (!got) return std::nullopt;
    Result<NetworkRule> rule = parse_network_rule(got->value);
    if (!rule) {
      reader.error(got->location, rule.error().message, rule.error().fix);
      return std::nullopt;
    }
    rule->location = got->location;
    return *std::move(rule);
  };
  return out;
}

/// RFC 9110's token: what the name of a header may be.
bool is_header_name(std::string_view name) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !name.empty() && name.size() <= 200 && std::ranges::all_of(name, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != std::string_view::npos;
  });
}

NameRule header_name() {
  return {"header", "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}$",
          "letters, digits and !#$%&'*+-.^_`|~, at most 200", is_header_name};
}

/// A text that is a key to something: in the file it should be a reference to where that is kept.
Value<Located<std::string>> key_value() {
  Value<Located<std::string>> out = secret_text_value("a key, best ${secret:NAME}");
  out.read = [read = out.read](const YamlNode& node, Reader& reader) {
    std::optional<Located<std::string>> got = read(node, reader);
    if (got && got->value.empty()) {
      reader.error(got->location, "'sign' is empty, and an empty key signs nothing",
                   "give a key, or remove 'sign'");
    } else if (got && node.scalar.find("${") == std::string::npos) {
      reader.warning(got->location, "whoever can read the project file can read this key",
                     "keep it as a secret: ${secret:NAME}");
    }
    return got;
  };
  return out;
}

void check_sha256(const YamlNode&, DownloadEntry& entry, Reader& reader) {
  std::string& digits = entry.sha256.value;
  if (!entry.sha256.given()) return;
  for (char& c : digits) c = c >= 'A' && c <= 'F' ? char(c | 32) : c;
  const bool hexadecimal = std::ranges::all_of(
      digits, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (digits.size() == 64 && hexadecimal) return;
  reader.error(entry.sha256.location, "'sha256' is no SHA-256: that has 64 hexadecimal digits",
               "take it from sha256sum FILE");
}

Value<RejectsOver> rejects_over_value() {
  const Value<Located<double>> share = ratio_value();
  const Value<Located<int64_t>> rows = integer_value(0, int64_t(1) << 53);
  Value<RejectsOver> out;
  out.outline = either_outline(rows.outline, share.outline);
  out.read = [share = share.read, rows = rows.read](const YamlNode& node,
                                                    Reader& reader) -> std::optional<RejectsOver> {
    RejectsOver over;
    over.location = node.location;
    if (node.kind == YamlKind::scalar && node.scalar.find_first_of("%.") != std::string::npos) {
      const auto got = share(node, reader);
      if (!got) return std::nullopt;
      over.ratio = got->value;
    } else {
      const auto got = rows(node, reader);
      if (!got) return std::nullopt;
      over.rows = uint64_t(got->value);
    }
    return over;
  };
  return out;
}

void check_causes(const YamlNode& node, NotifyEntry& entry, Reader& reader) {
  const YamlNode* on = node.find("on");
  if (entry.on && on != nullptr && on->items.empty()) {
    reader.error(entry.location, "'on' of 'notify' names nothing, so nobody would be told",
                 "name some of success, failure and rejects, or remove 'on'");
  }
  const bool rejects = !entry.on || std::ranges::any_of(*entry.on, [](const auto& cause) {
    return cause.value == NoticeCause::rejects;
  });
  if (entry.rejects_over && !rejects) {
    reader.error(entry.rejects_over->location, "'rejects_over' goes with on: [rejects]",
                 "add rejects to 'on', or remove it");
  }
}

}  // namespace

Value<std::vector<Named<Located<std::string>>>> headers_value() {
  return named(header_name(), secret_text_value("a header's value"));
}

Value<NetworkEntry> network_value() {
  return Record<NetworkEntry>(
             "network",
             "Where `download`, `notify` and `traces` may connect to. Entries are hosts "
             "(example.org, "
             "*.example.org) or ranges of addresses (10.0.0.0/8). What counts is the address a "
             "connection is made to, also behind a redirect.")
      .optional("allow", &NetworkEntry::allow, list(rule_value()),
                "Only there. Left out: everywhere but link-local addresses (169.254.0.0/16, "
                "fe80::/10) and the clouds' metadata services.",
                "[example.org, 10.0.0.0/8]")
      .optional("deny", &NetworkEntry::deny, list(rule_value()),
                "Not there, whatever `allow` says.", "[10.1.0.0/16]")
      .optional("ca_file", &NetworkEntry::ca_file, text_value("the path of a PEM file"),
                "Certificates of authorities that are trusted besides the system's; relative to "
                "the project's folder. Servers are always verified.",
                "certificates/company.pem")
      .value();
}

Value<DownloadEntry> download_value() {
  return Record<DownloadEntry>("download",
                               "Fetches a URL into a bucket, whole or not at all. What has not "
                               "changed is not fetched, and no new object.")
      .required("url", &DownloadEntry::url, secret_text_value("a URL: https://… or http://…"),
                "What to fetch. `${run.day}`, `${run.scheduled_for}` and `${secret:NAME}` may "
                "stand in it.",
                "\"https://example.org/${run.day}.csv\"")
      .required("to", &DownloadEntry::to, text_value("bucket, '/', key"),
                "The object it becomes: bucket, '/', key. `${run.day}` and `${run.scheduled_for}` "
                "may stand in the key.",
                "landing/rates.csv")
      .optional("headers", &DownloadEntry::headers, headers_value(),
                "Headers of the request, for the URL's own host only, not for where it redirects "
                "to. `${secret:NAME}` may stand in the values.",
                "{Authorization: \"Bearer ${secret:token}\"}")
      .optional("sha256", &DownloadEntry::sha256, text_value("64 hexadecimal digits"),
                "What the object's SHA-256 must be; else the run fails and the object is not "
                "there.",
                "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"")
      .optional("max_size", &DownloadEntry::max_size, size_value(1, 0),
                "A larger answer fails the run, before it fills the disk.", "500MB")
      .optional("timeout", &DownloadEntry::timeout_ms, duration_value(1, longest_wait_ms),
                "The most time one try takes. The next one goes on where it ended.", "15m")
      .optional("stall", &DownloadEntry::stall_ms, duration_value(1, longest_wait_ms),
                "A try ends when less than 1 kB came in this time.", "30s")
      .optional("allow", &DownloadEntry::allow, list(rule_value()),
                "Only these hosts and addresses, of those the project's `network` lets through.",
                "[example.org]")
      .optional("retry", &DownloadEntry::retry, retry_value(),
                "How often and when it is tried again. Left out: as the pipeline's `retry` says.",
                "{times: 10, backoff: 30s}")
      .then(check_sha256)
      .value();
}

Value<NotifyEntry> notify_value() {
  return Record<NotifyEntry>("notify",
                             "Tells a URL how the run ended (POST, JSON), at least once, with a "
                             "stable id.")
      .required("url", &NotifyEntry::url, secret_text_value("a URL: https://… or http://…"),
                "Who is told. `${secret:NAME}` may stand in it.", "https://example.org/hook")
      .optional("on", &NotifyEntry::on,
                list(choice_value<NoticeCause>({{"success", NoticeCause::success},
                                                {"failure", NoticeCause::failure},
                                                {"rejects", NoticeCause::rejects}})),
                "When: the rows are in (`success`), the run failed for good (`failure`), more "
                "rows than `rejects_over` were rejected (`rejects`). Left out: all of them.",
                "[failure, rejects]")
      .optional("rejects_over", &NotifyEntry::rejects_over, rejects_over_value(),
                "How many rejected rows, or which share of those read, are no reason to tell. Left "
                "out: 0.",
                "5%")
      .optional("sign", &NotifyEntry::sign, key_value(),
                "The key that signs the message (HMAC-SHA256).", "\"${secret:hook}\"")
      .optional("headers", &NotifyEntry::headers, headers_value(),
                "More headers of the request. `${secret:NAME}` may stand in the values.",
                "{Authorization: \"Bearer ${secret:token}\"}")
      .optional("retry", &NotifyEntry::retry, retry_value(),
                "How often and when a message is sent again that was not taken. Left out: 12 times "
                "within about three and a half hours, from 5 s on.",
                "{times: 20, backoff: 10s, longest: 1h}")
      .then(check_causes)
      .value();
}

}  // namespace weir::config
