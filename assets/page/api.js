// The address is the visitor's own: behind a proxy the server knows another.
for (const one of element.querySelectorAll(".here")) {
  one.textContent = new URL("./", location.href).href;
}
