// Swagger UI over this hub's own description; no validator, no outside request.
window.addEventListener("DOMContentLoaded", () => {
  SwaggerUIBundle({ url: document.getElementById("api").dataset.description, domNode: document.getElementById("api"), validatorUrl: null });
});
