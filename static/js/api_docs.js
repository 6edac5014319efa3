"use strict";

// Swagger UI, started from a file of its own: the site's policy allows no script in a page.
const { schema, token } = document.documentElement.dataset;

SwaggerUIBundle({
  url: schema,
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  // Nothing of ours is sent to anybody's validator.
  validatorUrl: null,
  requestInterceptor(request) {
    request.headers["X-CSRFToken"] = token;
    return request;
  },
});
