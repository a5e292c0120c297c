/* The part of <math.h> that quantised code uses; functions come from the compiler's library. */
#ifndef ALHENA_MATH_H
#define ALHENA_MATH_H

#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")

double fabs(double x);
float fabsf(float x);
double floor(double x);
float floorf(float x);
double ceil(double x);
double round(double x);
float roundf(float x);
double sqrt(double x);
float sqrtf(float x);
double exp(double x);
float expf(float x);
double log(double x);
float logf(float x);

#endif
