#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::api {

/// What a path asks for.
struct Target {
  enum class Kind {
    rows,         ///< /api/tables/NAME/rows
    csv_rows,     ///< /api/rows
    query,        ///< /api/queries/NAME
    runs,         ///< /api/runs
    run,          ///< /api/runs/NAME
    run_logs,     ///< /api/runs/NAME/logs
    run_rejects,  ///< /api/runs/NAME/rejects
    run_retry,    ///< /api/runs/NAME/retry
    run_replay,   ///< /api/runs/NAME/replay
    start,        ///< /api/pipelines/NAME/runs
    description,  ///< /openapi.json
    docs,         ///< /docs
    monitoring,   ///< /metrics
    health,       ///< /healthz, /readyz
    unknown,
  };
  Kind kind = Kind::unknown;
  std::string name;  ///< decoded
};

/// `path` as it was sent. A path that does not decode is unknown.
Target parse_path(std::string_view path);

inline constexpr size_t target_kinds = static_cast<size_t>(Target::Kind::unknown) + 1;
/// The address with its name left open: "/api/tables/{table}/rows"; "(other)" of what is unknown.
std::string_view route_of(Target::Kind kind);

/// The methods that a target takes: "POST", "GET, HEAD".
std::string_view methods_of(Target::Kind kind);
bool takes(Target::Kind kind, std::string_view method);

/// "a=b&c=d", decoded, in order.
class Parameters {
 public:
  /// None when it does not decode.
  static std::optional<Parameters> parse(std::string_view query);

  /// Null when there is none of that name.
  const std::string* find(std::string_view name) const;
  /// The first that is not among `known`, or that comes twice.
  const std::string* misfit(const std::vector<std::string_view>& known) const;

 private:
  struct Parameter {
    std::string name, value;
  };
  std::vector<Parameter> all_;
};

/// The preferences of `Prefer` headers (RFC 7240): whether one with this name and value is there.
bool prefers(std::string_view header, std::string_view name, std::string_view value);

}  // namespace weir::api
