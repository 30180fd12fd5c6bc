// Everything works without this file; it only adds the sign that script is there. Per-page behaviour follows below.
"use strict";
document.documentElement.classList.add("has-script");
