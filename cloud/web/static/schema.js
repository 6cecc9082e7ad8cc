// Starts Swagger UI on the page's own schema; nothing is fetched from elsewhere.
"use strict";
const place = document.getElementById("schema");
SwaggerUIBundle({
  url: place.dataset.url,
  domNode: place,
  deepLinking: true,
  validatorUrl: null,
  supportedSubmitMethods: ["get", "post"],
});
