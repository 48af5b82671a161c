#include "config/traces_entry.h"

#include "config/http_step_entry.h"

namespace weir::config {

Value<TracesEntry> traces_value() {
  return Record<TracesEntry>("traces",
                             "Where `weir up` sends what it does as OpenTelemetry traces "
                             "(OTLP/HTTP, JSON). A collector that is slow or away costs traces, "
                             "never anything else.")
      .required("url", &TracesEntry::url, secret_text_value("a URL: http://… or https://…"),
                "The collector's address for traces. `${secret:NAME}` may stand in it.",
                "\"http://127.0.0.1:4318/v1/traces\"")
      .optional("headers", &TracesEntry::headers, headers_value(),
                "More headers of each request to it. `${secret:NAME}` may stand in the values.",
                "{Authorization: \"Bearer ${secret:token}\"}")
      .optional("sample", &TracesEntry::sample, ratio_value(),
                "The share of traces begun by weir that is sent. A request that comes with a "
                "`traceparent` is traced when its client says so.",
                "10%")
      .value();
}

}  // namespace weir::config
