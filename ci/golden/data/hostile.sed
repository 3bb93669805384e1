s%"(product|reason|how_known|compiled|noise_complaint)":"[^"]*"%"\1":"=1+1,\\"x\\"<script>alert(1)</script>\\u001b[31m\\u009b31m\\u202e|a|;\\n-2 `id` \& $(id)"%g
s%"why":"[^"]*"%"why":"@SUM(1),\\"<img src=x>\\u001b]0;t\\u0007"%g
