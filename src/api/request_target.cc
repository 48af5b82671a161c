#include "api/request_target.h"

#include <algorithm>
#include <array>

namespace weir::api {
namespace {

using Kind = Target::Kind;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 32);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

enum class Plus { is_plus, is_blank };

std::optional<std::string> decode(std::string_view text, Plus plus) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' && plus == Plus::is_blank ? ' ' : text[i];
    }
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Takes what stands before `sign` off the text.
std::string_view take_part(std::string_view& text, char sign) {
  const size_t end = std::min(text.find(sign), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

struct FixedPath {
  std::string_view path;
  Kind kind;
};
constexpr FixedPath fixed_paths[] = {
    {"/api/rows", Kind::csv_rows},
    {"/api/runs", Kind::runs},
    {"/openapi.json", Kind::description},
    {"/docs", Kind::docs},
    {"/metrics", Kind::monitoring},
    {"/healthz", Kind::health},
    {"/readyz", Kind::health},
};

/// A path with one name in it: what stands before and behind.
struct NamedPath {
  std::string_view before, behind;
  Kind kind;
};
constexpr NamedPath named_paths[] = {
    {"/api/tables/", "/rows", Kind::rows},         {"/api/queries/", "", Kind::query},
    {"/api/pipelines/", "/runs", Kind::start},     {"/api/runs/", "/logs", Kind::run_logs},
    {"/api/runs/", "/rejects", Kind::run_rejects}, {"/api/runs/", "/retry", Kind::run_retry},
    {"/api/runs/", "/replay", Kind::run_replay},   {"/api/runs/", "", Kind::run},
};

}  // namespace

Target parse_path(std::string_view path) {
  for (const auto& [fixed, kind] : fixed_paths) {
    if (path == fixed) return {kind, std::string(path)};
  }
  for (const auto& [before, behind, kind] : named_paths) {
    if (!path.starts_with(before) || !path.ends_with(behind)) continue;
    if (path.size() <= before.size() + behind.size()) continue;
    const auto name = path.substr(before.size(), path.size() - before.size() - behind.size());
    if (name.find('/') != std::string_view::npos) continue;
    if (auto decoded = decode(name, Plus::is_plus)) return {kind, *std::move(decoded)};
  }
  return {};
}

std::string_view route_of(Kind kind) {
  switch (kind) {
    case Kind::rows: return "/api/tables/{table}/rows";
    case Kind::csv_rows: return "/api/rows";
    case Kind::query: return "/api/queries/{query}";
    case Kind::runs: return "/api/runs";
    case Kind::run: return "/api/runs/{run}";
    case Kind::run_logs: return "/api/runs/{run}/logs";
    case Kind::run_rejects: return "/api/runs/{run}/rejects";
    case Kind::run_retry: return "/api/runs/{run}/retry";
    case Kind::run_replay: return "/api/runs/{run}/replay";
    case Kind::start: return "/api/pipelines/{pipeline}/runs";
    case Kind::description: return "/openapi.json";
    case Kind::docs: return "/docs";
    case Kind::monitoring: return "/metrics";
    case Kind::health: return "/healthz";
    case Kind::unknown: return "(other)";
  }
  return "(other)";
}

std::string_view methods_of(Kind kind) {
  switch (kind) {
    case Kind::rows:
    case Kind::csv_rows:
    case Kind::start:
    case Kind::run_retry:
    case Kind::run_replay: return "POST";
    case Kind::unknown: return "";
    default: return "GET, HEAD";
  }
}

bool takes(Kind kind, std::string_view method) {
  std::string_view methods = methods_of(kind);
  while (!methods.empty()) {
    if (trimmed(take_part(methods, ',')) == method) return true;
  }
  return false;
}

std::optional<Parameters> Parameters::parse(std::string_view query) {
  Parameters parameters;
  while (!query.empty()) {
    std::string_view part = take_part(query, '&');
    if (part.empty()) continue;
    const auto name = decode(take_part(part, '='), Plus::is_blank);
    const auto value = decode(part, Plus::is_blank);
    if (!name || !value) return std::nullopt;
    parameters.all_.push_back({*name, *value});
  }
  return parameters;
}

const std::string* Parameters::find(std::string_view name) const {
  const auto at = std::ranges::find(all_, name, &Parameter::name);
  return at == all_.end() ? nullptr : &at->value;
}

const std::string* Parameters::misfit(const std::vector<std::string_view>& known) const {
  for (const Parameter& parameter : all_) {
    const bool twice = std::ranges::count(all_, parameter.name, &Parameter::name) > 1;
    if (twice || std::ranges::find(known, parameter.name) == known.end()) return &parameter.name;
  }
  return nullptr;
}

bool prefers(std::string_view header, std::string_view name, std::string_view value) {
  while (!header.empty()) {
    std::string_view preference = take_part(header, ',');
    preference = trimmed(take_part(preference, ';'));
    const std::string_view given = trimmed(take_part(preference, '='));
    std::string_view wanted = trimmed(preference);
    if (wanted.size() >= 2 && wanted.front() == '"' && wanted.back() == '"') {
      wanted = wanted.substr(1, wanted.size() - 2);
    }
    if (given == name && wanted == value) return true;
  }
  return false;
}

}  // namespace weir::api
